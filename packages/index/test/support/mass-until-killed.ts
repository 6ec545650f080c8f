import { readFileSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { importFiles, linesSource } from '../../src/index.ts';
import { openBare } from './bare-index.ts';
import { bytesOf, lines } from './population.ts';

/**
 * A process that signs, for tests that end it in the middle of a mass publication: `mass-until-killed.ts DIRECTORY PROJECTS [TARGETS]`.
 * It says `leads`, waits for a line, and then imports a population, or publishes the targets, in many small parts; it tells of each.
 */
const [directory = '', projects = '', targets] = process.argv.slice(2);
const tell = (what: string): void => void writeSync(1, `${what}\n`);

const index = await openBare(directory, { massFrom: 30, onMass: ({ roles }) => tell(`signed ${roles}`) });
if (!index.leads) throw new Error('another process signs');
tell('leads');
await once(process.stdin, 'data');
if (targets === undefined) {
  const source = linesSource({ name: 'mass', input: bytesOf(lines(Number(projects), 10)), now: new Date() });
  await importFiles(index, { source, account: 'ann' });
} else await index.importOffline({ targets: readFileSync(targets) });
tell('done');

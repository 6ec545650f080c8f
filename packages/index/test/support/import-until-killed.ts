import { readFileSync, writeSync } from 'node:fs';
import { importFiles, linesSource } from '../../src/index.ts';
import { openBare } from './bare-index.ts';
import { bytesOf, lines } from './population.ts';

/**
 * A process for crash tests: `import-until-killed.ts DIRECTORY OFFER` imports a population, or publishes the offer, in many small
 * parts; it tells each on standard output, and that it is done.
 */
const [directory = '', offer = ''] = process.argv.slice(2);
const tell = (what: string): void => void writeSync(1, `${what}\n`);

const index = await openBare(directory, { massFrom: 30, onMass: ({ roles }) => tell(`signed ${roles}`) });
if (offer === '') {
  const source = linesSource({ name: 'crash', input: bytesOf(lines(600, 10)), now: new Date('2026-01-01T00:00:00Z') });
  await importFiles(index, {
    source,
    account: 'ann',
    batch: 1_500,
    onLoaded: ({ added, known }) => tell(`loaded ${added + known}`),
  });
} else {
  const [root, targets] = offer.split(',').map((path) => readFileSync(path));
  // What was under way when this process before this one ended is published already.
  if (Buffer.compare(index.metadata.root, root ?? Buffer.of()) !== 0) {
    await index.importOffline({ ...(root && { root }), ...(targets && { targets }) });
  }
}
await index.close();
tell('done');
process.exit(0);

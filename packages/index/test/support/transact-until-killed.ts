import { writeSync } from 'node:fs';
import { parseTargets } from '@holdfast/tuf';
import { readKeyFile } from '@holdfast/tuf/node';
import { HttpError } from '../../src/http/http-error.ts';
import { openBare } from './bare-index.ts';
import { signRole, stageFile, submit } from './claims.ts';

/**
 * A process for crash tests: `transact-until-killed.ts DIRECTORY KEY ROUND PROJECTS` adds files to projects `crash-0`, `crash-1`, … by
 * transactions, from many writers at once that know nothing of each other; tells on standard output which versions were acknowledged,
 * and never ends by itself.
 */
const [directory = '', key = '', round = '', projects = ''] = process.argv.slice(2);
const WRITERS = 16;

const developer = await readKeyFile(key, '');
const index = await openBare(directory);
writeSync(1, 'ready\n');
await Promise.all(
  Array.from({ length: WRITERS }, async (_, writer) => {
    for (let count = 0; ; count++) {
      const name = `crash-${Math.floor(Math.random() * Number(projects))}`;
      const filename = await stageFile(index, name, `${round}.${writer}.${count}`);
      await add(name, filename);
    }
  }),
);

async function add(name: string, filename: string): Promise<void> {
  const role = `project.${name}`;
  const rows = await index.records.read
    .selectFrom('files')
    .select('filename')
    .where('project', '=', name)
    .where('state', '=', 'published')
    .execute();
  const bytes = await signRole(index, role, [...rows.map((row) => row.filename), filename], [developer]);
  try {
    await submit(index, name, { roles: new Map([[role, bytes]]) });
  } catch (error) {
    if (error instanceof HttpError && error.problem.code === 'VERSION_TAKEN') return; // Another writer came first.
    throw error;
  }
  const { version } = parseTargets(bytes).signed;
  writeSync(1, `${name} ${version} ${filename}\n`);
}

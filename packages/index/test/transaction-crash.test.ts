import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { writeKeyFile } from '@holdfast/tuf/node';
import type { OpenIndex } from '../src/index.ts';
import { clientOf, listed, openBare } from './support/bare-index.ts';
import { claim, makeClaimsIndex, makeDeveloper, statesOf } from './support/claims.ts';
import { temporaryDirectory } from './support/tools.ts';
import { VersionWatch } from './support/version-watch.ts';

const CHILD = new URL('./support/transact-until-killed.ts', import.meta.url).pathname;
const PROJECTS = 50;
const TRANSACTIONS = 1_000;
const KILLS = 8;

interface Acknowledged {
  readonly project: string;
  readonly version: number;
  readonly filename: string;
}

test('of a thousand transactions of 16 writers on 50 projects, broken off again and again by kill -9, none is lost, none is made twice, and each version is published once (M8, P10)', async (t) => {
  const made = await makeClaimsIndex(t);
  const names = Array.from({ length: PROJECTS }, (_, i) => `crash-${i}`);
  const key = join(await temporaryDirectory(t, 'developer'), 'key.json');
  await makeProjects(made.directory, names, key);
  const watch = new VersionWatch(made.directory);
  const acknowledged: Acknowledged[] = [];
  let kills = 0;
  try {
    for (; acknowledged.length < TRANSACTIONS || kills < KILLS; kills++)
      acknowledged.push(...(await transactAndKill([made.directory, key, String(kills), String(PROJECTS)])));
  } finally {
    await watch.stop();
  }
  const index = await openBare(made.directory);
  await watch.lookAgain();
  assert.deepEqual(watch.complaints, [], 'no version has two contents');
  assert.deepEqual(await waitingOf(index), [], 'what was recorded is published after the restart');

  const once = new Set(acknowledged.map(({ project, version }) => `${project} ${version}`));
  assert.equal(once.size, acknowledged.length, 'no version is acknowledged to two');
  const client = clientOf(made);
  await client.refresh();
  for (const project of names) {
    const versions = await publishedVersions(index, project);
    assert.deepEqual(
      versions,
      Array.from({ length: versions.length }, (_, i) => i + 1),
      `${project}: each once, in order`,
    );
    for (const version of versions)
      await access(join(made.directory, `objects/metadata/${version}.project.${project}.json`));
    const own = acknowledged.filter((each) => each.project === project);
    const files = new Set((await listed(client, project)).keys());
    for (const { filename } of own) assert.ok(files.has(filename), `${filename} was acknowledged`);
    const states = Object.entries(await statesOf(index, project));
    const published = states.filter(([, state]) => state === 'published').map(([filename]) => filename);
    assert.deepEqual(new Set(published), files, `${project}: pages show what is signed`);
    assert.equal(published.length, versions.length - 1, 'each version brought one file');
  }
  t.diagnostic(`${acknowledged.length} acknowledged, ${kills} kills`);
});

async function makeProjects(directory: string, names: readonly string[], key: string): Promise<void> {
  const index = await openBare(directory);
  const developer = await makeDeveloper(index);
  await writeKeyFile(key, developer, undefined);
  await Promise.all(names.map((project) => claim(index, project, developer, [])));
  await index.close();
}

async function waitingOf({ records: { read } }: OpenIndex): Promise<unknown[]> {
  const [changes, transactions] = await Promise.all([
    read.selectFrom('changes').selectAll().where('publication', 'is', null).execute(),
    read.selectFrom('transactions').selectAll().where('state', '<>', 'published').execute(),
  ]);
  return [...changes, ...transactions];
}

/** As the log of transactions has them. */
async function publishedVersions({ records: { read } }: OpenIndex, project: string): Promise<number[]> {
  const rows = await read
    .selectFrom('transaction_roles')
    .innerJoin('transactions', 'transactions.id', 'transaction_roles.transaction_id')
    .select('version')
    .where('project', '=', project)
    .orderBy('transactions.publication')
    .execute();
  return rows.map(({ version }) => version);
}

/** Lets a process publish, ends it at a moment that it cannot choose, and gives back what it had acknowledged. */
async function transactAndKill(args: readonly string[]): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, ['--conditions=holdfast-source', CHILD, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const first = once(reader, 'line');
  reader.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]);
  const gone = failed(child);
  gone.catch(() => undefined);
  await Promise.race([first, gone]);
  await Promise.race([wait(500 + Math.random() * 2_500), gone]);
  child.kill('SIGKILL');
  await ended;
  return lines.slice(1).map((line) => {
    const [project = '', version = '', filename = ''] = line.split(' ');
    return { project, version: Number(version), filename };
  });
}

async function failed(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw new Error('the process ended by itself');
}

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { type BareIndex, clientOf, listed, makeIndex, openBare } from './support/bare-index.ts';
import { lines } from './support/population.ts';
import { makeRoot, makeTargets } from './support/rotation.ts';
import { VersionWatch } from './support/version-watch.ts';

const CHILD = new URL('./support/import-until-killed.ts', import.meta.url).pathname;

/** Runs the child until it said a number of things, then ends it in the middle of the next. @returns whether it was done */
async function runAndKill(args: readonly string[], after: number): Promise<boolean> {
  const child: ChildProcess = spawn(process.execPath, ['--conditions=holdfast-source', CHILD, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const said: string[] = [];
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length >= after) child.kill('SIGKILL');
  }
  const [code, signal] = (await closed) as [number | null, string | null];
  assert.ok(signal === 'SIGKILL' || code === 0, `it ended with ${code}: ${said.join(', ')}`);
  return said.at(-1) === 'done';
}

/** Kills after one step, two, three…: in every phase, also in the steps that a run before it began. */
async function untilDone(args: readonly string[]): Promise<number> {
  for (let kills = 0; ; kills++) if (await runAndKill(args, 1 + (kills % 3))) return kills;
}

async function assertComplete(made: BareIndex): Promise<void> {
  const client = clientOf(made);
  await client.refresh();
  const list = lines(600, 10);
  for (let project = 0; project < 600; project += 37) {
    const own = list.slice(project * 10, project * 10 + 10);
    const found = await listed(client, `imported-${project}`);
    assert.deepEqual([...found.keys()].sort(), own.map(({ filename }) => filename).sort());
  }
}

test('an import and a rotation that kill -9 breaks off again and again go on, show no version twice, and lose nothing (P10, M8)', async (t) => {
  const made = await makeIndex(t);
  const watch = new VersionWatch(made.directory);
  let kills = await untilDone([made.directory, '']);

  const online = await generateKey('ed25519');
  await writeKeyFile(join(made.directory, 'keys', `${online.key.keyid}.json`), online, undefined);
  const facts = { version: 2, offline: made.offline, online };
  const files = ['root', 'targets'].map((role) => join(dirname(made.directory), `${role}.json`));
  await writeFile(files[0] ?? '', await makeRoot(facts));
  await writeFile(files[1] ?? '', await makeTargets(facts));
  kills += await untilDone([made.directory, files.join(',')]);
  await watch.stop();

  const index = await openBare(made.directory);
  await watch.lookAgain();
  assert.deepEqual(watch.complaints, []);
  assert.ok(kills > 6, `only ${kills} kills`);
  const states = await index.records.read
    .selectFrom('files')
    .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  assert.deepEqual(
    states.map(({ state, count }) => [state, count]),
    [['published', 6000]],
  );
  for (const table of ['mass_publications', 'prepared', 'imports'] as const)
    assert.deepEqual(await index.records.read.selectFrom(table).selectAll().execute(), [], table);
  await assertComplete(made);
  assert.deepEqual(await readdir(join(made.directory, 'incoming')), []);
  t.diagnostic(`${kills} kills`);
});

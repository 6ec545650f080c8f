import assert from 'node:assert/strict';
import { cp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { targetPath } from '@holdfast/trust';
import { writeKeyFile } from '@holdfast/tuf/node';
import { clientOf, openBare, uploadBare } from '../../index/test/support/bare-index.ts';
import { claim, makeClaimsIndex, makeDeveloper, stageFile } from '../../index/test/support/claims.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { ended, holdfast, start } from './holdfast.ts';

/** Of all moments at which a kill can make a difference, some this many, evenly spread. */
const KILLS = 6;

interface Waiting {
  /** The index before the import, which is only copied. */
  readonly index: string;
  readonly root: Uint8Array;
  /** Where the commands run: with `to-sign` and `signatures`. */
  readonly directory: string;
}

/** An index whose holders have signed that one of its projects becomes claimed and the other one rarely updated. */
async function makeWaiting(t: TestContext): Promise<Waiting> {
  const made = await makeClaimsIndex(t, 'maximum');
  const index = await openBare(made.directory);
  await claim(index, 'django', await makeDeveloper(index), [await stageFile(index, 'django', '1.0')]);
  await uploadBare(index, 'demo', '1.0');
  await index.close();
  const directory = await temporaryDirectory(t, 'operators');
  await writeKeyFile(join(directory, 'offline.json'), made.offline, undefined);
  await writeFile(join(directory, 'root.json'), made.root);
  for (const args of [
    ['export', made.directory, 'to-sign', '--quiet-days', '0'],
    ['sign', 'to-sign', '--key', 'offline.json', '--root', 'root.json', '--out', 'signatures'],
  ]) {
    const { code, err } = await holdfast(directory, ['admin', ...args]);
    assert.equal(code, 0, err);
  }
  return { index: made.directory, root: made.root, directory };
}

const OLD = 'django recently-claimed, demo unclaimed';
const NEW = 'django claimed, demo rarely-updated';

/** Who answers for the two projects, as a client that knows only the first root sees it; every file is found in any case. */
async function shown({ root }: Waiting, directory: string): Promise<string> {
  const client = clientOf({ directory, root });
  await client.refresh();
  const answers: string[] = [];
  for (const name of ['django', 'demo']) {
    const files = await client.targetsIn(targetPath(normalizeName(name), ''));
    assert.equal(files.length, 1, `${name} has its file`);
    answers.push(`${name} ${files[0]?.chain[1]}`);
  }
  return answers.join(', ');
}

/** Runs the import on a copy of the index, and ends it before a step. */
async function importUntil(waiting: Waiting, at: number): Promise<{ copy: string; killed: boolean; steps: number }> {
  const copy = join(waiting.directory, `index-${at}`);
  const steps = join(waiting.directory, `steps-${at}`);
  await cp(waiting.index, copy, { recursive: true });
  const child = start(waiting.directory, ['admin', 'import', copy, 'to-sign', 'signatures'], {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'kill-at-step.ts')}`,
    KILL_STEPS: steps,
    KILL_AT: String(at),
  });
  const { code, err } = await ended(child);
  const killed = child.signalCode === 'SIGKILL';
  if (!killed) assert.equal(code, 0, err);
  return { copy, killed, steps: (await stat(steps)).size };
}

test('an import that kill -9 ends anywhere has published nothing or all of it, and the same command completes it (M9, P10)', async (t) => {
  const waiting = await makeWaiting(t);
  assert.equal(await shown(waiting, waiting.index), OLD);
  const whole = await importUntil(waiting, Number.POSITIVE_INFINITY);
  assert.equal(await shown(waiting, whole.copy), NEW);
  assert.ok(whole.steps > KILLS, `only ${whole.steps} steps`);

  const outcomes: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const at = Math.ceil(((kill + 1) * whole.steps) / KILLS);
    const { copy, killed } = await importUntil(waiting, at);
    assert.ok(killed, `step ${at} of ${whole.steps} was not reached`);
    const now = await shown(waiting, copy);
    assert.ok(now === OLD || now === NEW, `killed before step ${at}: ${now}`);
    outcomes.push(now === OLD ? 'nothing' : 'all');

    const again = await holdfast(waiting.directory, ['admin', 'import', copy, 'to-sign', 'signatures']);
    assert.equal(again.code, 0, `after a kill before step ${at}: ${again.err}`);
    assert.match(again.err, /Published with timestamp \d+/);
    assert.equal(await shown(waiting, copy), NEW);
    await assertAtRest(copy);
    await rm(copy, { recursive: true });
  }
  t.diagnostic(`${whole.steps} steps; published when killed: ${outcomes.join(', ')}`);
});

/** Nothing of an import is left over, and the index goes on. */
async function assertAtRest(directory: string): Promise<void> {
  const index = await openBare(directory);
  try {
    const { read } = index.records;
    const imports = await read.selectFrom('offline_imports').select(['id', 'state']).execute();
    const ends = imports.map(({ state }) => state);
    // One that was not whole when its command was killed is dropped by the next import after an hour.
    assert.ok(ends.includes('published') && ends.every((end) => end === 'published' || end === 'filling'), ends.join());
    const { id } = imports.find(({ state }) => state === 'filling') ?? { id: 0 };
    const left = await read.selectFrom('offline_import_roles').select('role').where('import_id', '<>', id).execute();
    assert.deepEqual(left, []);
    assert.deepEqual(await read.selectFrom('mass_publications').selectAll().execute(), []);
    assert.deepEqual(await read.selectFrom('offered_roles').select('role').execute(), []);
    await uploadBare(index, 'later', '1.0');
  } finally {
    await index.close();
  }
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { parseTargets } from '@holdfast/tuf';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import type { OpenIndex } from '../src/index.ts';
import { type BareIndex, clientOf, listed, makeIndexIn, newFile, openBare } from './support/bare-index.ts';
import { startDistributed } from './support/distributed-stores.ts';
import { lines } from './support/population.ts';
import { makeTargets } from './support/rotation.ts';
import { temporaryDirectory } from './support/tools.ts';
import { VersionWatch } from './support/version-watch.ts';

const { postgres, makeStores } = await startDistributed();

const CHILD = new URL('./support/mass-until-killed.ts', import.meta.url).pathname;
const PROJECTS = 400;
/** Parts that the leader may sign before it is killed, of some twelve. */
const PARTS = 3;

interface Machines {
  readonly made: BareIndex;
  /** Directories with configuration and keys, as two machines have them. */
  readonly one: string;
  readonly two: string;
  /** The bucket, as a directory with `objects/` in it. */
  readonly view: { readonly directory: string; readonly root: Uint8Array };
}

async function makeMachines(t: TestContext): Promise<Machines> {
  const { stores, bucket } = await makeStores('mass');
  const parent = await temporaryDirectory(t, 'mass');
  const [one, two] = [join(parent, 'one'), join(parent, 'two')];
  const made = await makeIndexIn(one, { stores });
  await mkdir(two);
  for (const name of ['config.json', 'keys']) await cp(join(one, name), join(two, name), { recursive: true });
  await mkdir(join(parent, 'view'));
  await symlink(bucket, join(parent, 'view/objects'));
  return { made, one, two, view: { directory: join(parent, 'view'), root: made.root } };
}

/** Leads, begins, and is ended by kill -9 in the middle, while the other one stands by. @returns who goes on */
async function killedInTheMiddle(t: TestContext, { one, two }: Machines, args: readonly string[]): Promise<OpenIndex> {
  const child = spawn(process.execPath, ['--conditions=holdfast-source', CHILD, one, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await said.next()).value, 'leads');
  const standBy = await openBare(two, { massFrom: 30 });
  t.after(() => standBy.close());
  assert.equal(standBy.leads, false);
  child.stdin.write('go\n');
  for (let part = 0; part < PARTS; part++) assert.match(String((await said.next()).value), /^signed \d+$/);
  child.kill('SIGKILL');
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  const [left = ''] = postgres.sql('select next_bin, publication from mass_publications', 'mass').split('\n');
  assert.match(left, /^[1-9]\d*\|$/, 'some of it is recorded, and nothing of it is published');
  return standBy;
}

async function assertComplete(index: OpenIndex, { view }: Machines): Promise<void> {
  for (const table of ['mass_publications', 'prepared'] as const)
    assert.deepEqual(await index.records.read.selectFrom(table).selectAll().execute(), [], table);
  const client = clientOf(view);
  await client.refresh();
  const list = lines(PROJECTS, 10);
  for (let project = 0; project < PROJECTS; project += 23) {
    const own = list.slice(project * 10, project * 10 + 10).map(({ filename }) => filename);
    assert.deepEqual([...(await listed(client, `imported-${project}`)).keys()].sort(), own.sort());
  }
}

test('in PostgreSQL and S3, a stand-by goes on with an import, and with a new online key, that kill -9 broke off (P10, M8)', async (t) => {
  const machines = await makeMachines(t);
  const { made, one, two, view } = machines;
  const watch = new VersionWatch(view.directory);
  let standBy = await killedInTheMiddle(t, machines, [String(PROJECTS)]);
  // It waits for the publication under way, which nobody but the stand-by can end.
  await standBy.publisher.publish(newFile('after-import', '1.0'));
  assert.ok(standBy.leads);
  await assertComplete(standBy, machines);
  await standBy.close();

  const online = await generateKey('ed25519');
  for (const machine of [one, two])
    await writeKeyFile(join(machine, 'keys', `${online.key.keyid}.json`), online, undefined);
  const targets = join(one, 'targets.json');
  await writeFile(targets, await makeTargets({ version: 2, offline: made.offline, online }));
  standBy = await killedInTheMiddle(t, machines, [String(PROJECTS), targets]);
  await standBy.publisher.publish(newFile('after-rotation', '1.0'));
  await assertComplete(standBy, machines);
  await watch.stop();
  await watch.lookAgain();
  assert.deepEqual(watch.complaints, []);

  const roles = await standBy.records.read
    .selectFrom('roles')
    .select(['role', 'version'])
    .where('retired', '=', 0)
    .where('role', 'like', 'unclaimed%')
    .execute();
  assert.ok(roles.length > 200, `${roles.length} roles`);
  for (const { role, version } of roles) {
    const bytes = await readFile(join(view.directory, 'objects/metadata', `${version}.${role}.json`));
    assert.deepEqual(
      parseTargets(bytes).signatures.map(({ keyid }) => keyid),
      [online.key.keyid],
      role,
    );
  }
  t.diagnostic(`${roles.length} roles`);
});

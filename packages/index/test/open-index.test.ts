import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { KeyFileError } from '@holdfast/tuf';
import {
  DamagedIndexError,
  IndexExistsError,
  IndexInUseError,
  MetadataRefusedError,
  NoIndexError,
  OnlineKeyError,
} from '../src/errors.ts';
import { initIndex, openAccounts, openIndex } from '../src/index.ts';
import { clientOf, listed, makeIndex, newFile, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';
import { makeRoot, makeTargets } from './support/rotation.ts';
import { temporaryDirectory } from './support/tools.ts';

const CHILD = join(import.meta.dirname, 'support/publish-until-killed.ts');

test('an index that another process has open is refused, and free as soon as that is killed (M8)', async (t) => {
  const { directory } = await makeIndex(t);
  const child = spawn(process.execPath, ['--conditions=holdfast-source', CHILD, directory, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await assert.rejects(openBare(directory), IndexInUseError);
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  child.stdout.resume();
  await ended;
  const index = await openBare(directory);
  await assert.rejects(openBare(directory), IndexInUseError);
  await index.close();
  await (await openBare(directory)).close();
});

test('of metadata objects that were flipped, cut short, replaced or removed, those of offline keys are put again byte for byte, and the others signed anew', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  await uploadBare(index, 'damaged', '1.0');
  await index.close();
  const metadata = join(made.directory, 'objects', 'metadata');
  const offline = new Map<string, Buffer>();
  for (const name of ['1.root.json', '1.targets.json']) offline.set(name, await readFile(join(metadata, name)));
  const damages: ((path: string, bytes: Buffer) => Promise<void>)[] = [
    (path, bytes) =>
      writeFile(
        path,
        bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte)),
      ),
    (path) => truncate(path, 100),
    (path) => truncate(path, 0),
    (path, bytes) => writeFile(path, Buffer.concat([bytes, bytes])),
    (path) => rm(path),
  ];
  const client = clientOf(made);
  for (const damage of damages) {
    const before = await newestVersions(metadata);
    assert.equal(before.size, 4, [...before.keys()].join());
    for (const name of [...offline.keys(), 'timestamp.json', ...online(before)]) {
      await damage(join(metadata, name), await readFile(join(metadata, name)));
    }
    const opened = await openBare(made.directory);
    assert.match((await opened.metrics.text()).body, /^holdfast_roles_damaged_total [12]$/m);
    await opened.close();
    for (const [name, bytes] of offline) assert.deepEqual(await readFile(join(metadata, name)), bytes, name);
    const after = await newestVersions(metadata);
    for (const role of ['snapshot', 'unclaimed']) assert.equal(after.get(role), (before.get(role) ?? 0) + 1, role);
    await client.refresh();
    assert.equal((await listed(client, 'damaged')).size, 1, 'nothing went back');
  }
  assert.equal((await verifiedFiles(made, 'damaged')).size, 1);
});

test('records that are noise, cut short or changed are refused as damaged, and nothing is published from them', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  for (let i = 0; i < 20; i++) await index.publisher.publish(newFile('kept', `${i}.0`));
  await index.close();
  const path = join(made.directory, 'records.sqlite');
  const good = join(made.directory, '..', 'good.sqlite');
  await cp(path, good);
  const { size } = await stat(good);
  const timestamp = await readFile(join(made.directory, 'objects/metadata/timestamp.json'));
  const damages: (() => Promise<void>)[] = [
    () => writeFile(path, 'not a database, but long enough to look at: '.repeat(100)),
    () => truncate(path, size >> 1),
    () => truncate(path, 0),
    () => overwrite(path, 4096, 4096),
    () => overwrite(path, 40, 8),
    async () => changed(path, 'update offline_roles set bytes = zeroblob(length(bytes))'),
    async () =>
      changed(path, 'update offline_roles set bytes = cast(replace(bytes, \'"version":1\', \'"version":2\') as blob)'),
    async () => changed(path, "update roots set bytes = cast(replace(bytes, 'ed25519', 'ed25518') as blob)"),
    async () => changed(path, 'delete from roots'),
    async () => changed(path, "delete from roles where role = 'targets'"),
    async () => changed(path, 'delete from offline_roles'),
  ];
  for (const [at, damage] of damages.entries()) {
    for (const end of ['-wal', '-shm']) await rm(path + end, { force: true });
    await cp(good, path);
    await damage();
    await assert.rejects(openBare(made.directory), DamagedIndexError, `damage ${at}`);
    assert.deepEqual(
      await readFile(join(made.directory, 'objects/metadata/timestamp.json')),
      timestamp,
      `damage ${at}`,
    );
  }
  await cp(good, path);
  for (const end of ['-wal', '-shm']) await rm(path + end, { force: true });
  await (await openBare(made.directory)).close();
  assert.equal((await verifiedFiles(made, 'kept')).size, 20);
});

test('records from a backup, older than what everyone has seen, are refused and not signed on', async (t) => {
  const made = await makeIndex(t);
  const path = join(made.directory, 'records.sqlite');
  await cp(path, `${path}.backup`);
  const index = await openBare(made.directory);
  await uploadBare(index, 'later', '1.0');
  await index.close();
  for (const end of ['-wal', '-shm']) await rm(path + end, { force: true });
  await cp(`${path}.backup`, path);
  await assert.rejects(openBare(made.directory), DamagedIndexError);
  assert.equal((await verifiedFiles(made, 'later')).size, 1);
});

test('a wrong passphrase, a lost key and a directory without an index are told apart', async (t) => {
  const made = await makeIndex(t);
  const key = join(made.directory, 'keys', `${made.online.key.keyid}.json`);
  await rm(key);
  await assert.rejects(openBare(made.directory), OnlineKeyError);
  await writeKeyFile(key, made.online, 'right');
  await assert.rejects(openBare(made.directory, { passphrase: 'wrong' }), KeyFileError);
  await (await openBare(made.directory, { passphrase: 'right' })).close();
  await rm(join(made.directory, 'keys'), { recursive: true });
  await assert.rejects(openBare(made.directory), DamagedIndexError);
  await writeFile(join(made.directory, 'config.json'), '{"format":1}');
  await assert.rejects(openBare(made.directory), DamagedIndexError);
  await rm(join(made.directory, 'config.json'));
  await assert.rejects(openBare(made.directory), NoIndexError, 'half made');
  await assert.rejects(openAccounts(made.directory), NoIndexError);
  await assert.rejects(openBare(join(made.directory, 'nowhere')), NoIndexError);
});

test('an index is made into an empty directory only, once, and a failed attempt leaves it empty', async (t) => {
  const directory = join(await temporaryDirectory(t, 'init'), 'index');
  const [offline, online, other] = [
    await generateKey('ed25519'),
    await generateKey('ed25519'),
    await generateKey('ed25519'),
  ];
  const facts = { version: 1, offline, online };
  const [root, targets] = [await makeRoot(facts), await makeTargets(facts)];
  const past = new Date('2020-01-01T00:00:00Z');
  const make = (options: object): Promise<void> =>
    initIndex({ directory, root, targets, onlineKey: online, passphrase: 'x', ...options });
  await assert.rejects(make({ root: await makeRoot({ ...facts, signers: [other] }) }), MetadataRefusedError);
  await assert.rejects(make({ root: await makeRoot({ ...facts, version: 2 }) }), MetadataRefusedError);
  await assert.rejects(make({ root: await makeRoot({ ...facts, expires: past }) }), MetadataRefusedError);
  await assert.rejects(make({ root: new Uint8Array([123]) }), MetadataRefusedError);
  await assert.rejects(make({ targets: await makeTargets({ ...facts, signers: [online] }) }), MetadataRefusedError);
  await assert.rejects(make({ targets: await makeTargets({ ...facts, version: 2 }) }), MetadataRefusedError);
  await assert.rejects(make({ onlineKey: other }), OnlineKeyError);
  await assert.rejects(make({ lifetimes: { timestamp: -1 } }));
  assert.deepEqual(await readdir(directory), []);
  await assert.rejects(openIndex(directory, { passphrase: 'x' }), NoIndexError);

  const both = await Promise.allSettled([make({}), make({})]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  for (const each of both) assert.ok(each.status === 'fulfilled' || each.reason instanceof IndexExistsError);
  await assert.rejects(make({}), IndexExistsError);
  const index = await openIndex(directory, { passphrase: 'x' });
  await index.close();
  const client = clientOf({ directory, root, offline, online });
  assert.equal((await client.refresh()).timestampVersion, 1);
  assert.equal((await stat(join(directory, 'keys'))).mode & 0o777, 0o700);
  await mkdir(join(directory, '..', 'full', 'something'), { recursive: true });
  await assert.rejects(make({ directory: join(directory, '..', 'full') }), IndexExistsError);
});

/** The newest version of every role that has one in its name. */
async function newestVersions(metadata: string): Promise<Map<string, number>> {
  const newest = new Map<string, number>();
  for (const name of await readdir(metadata)) {
    const [version = '', role = ''] = name.split('.');
    if (name !== 'timestamp.json') newest.set(role, Math.max(newest.get(role) ?? 0, Number(version)));
  }
  return newest;
}

const online = (versions: ReadonlyMap<string, number>): string[] =>
  ['snapshot', 'unclaimed'].map((role) => `${versions.get(role)}.${role}.json`);

async function overwrite(path: string, position: number, length: number): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(new Uint8Array(length).fill(0xa5), 0, length, position);
  await handle.close();
}

function changed(path: string, statement: string): void {
  const database = new DatabaseSync(path);
  const { changes } = database.prepare(statement).run();
  database.close();
  assert.ok(changes > 0, statement);
}

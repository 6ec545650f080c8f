import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateKey, type LocalSigner, writeKeyFile } from '@holdfast/tuf/node';
import { parseSnapshot, parseTargets, parseTimestamp } from '@holdfast/tuf';
import { MetadataRefusedError, OnlineKeyError } from '../src/errors.ts';
import type { OpenIndex } from '../src/index.ts';
import { type BareIndex, clientOf, listed, makeIndex, newFile, openBare, verifiedFiles } from './support/bare-index.ts';
import { FaultyStore } from './support/faulty-store.ts';
import { makeRoot, makeTargets } from './support/rotation.ts';

/** The next root and targets, which name another online key. */
async function rotation(made: BareIndex, online: LocalSigner): Promise<{ root: Uint8Array; targets: Uint8Array }> {
  const facts = { version: 2, offline: made.offline, online };
  return { root: await makeRoot(facts), targets: await makeTargets(facts) };
}

/** An index whose bins were split, with the key that it is to change to already in its directory. */
async function prepared(made: BareIndex): Promise<{ online: LocalSigner; file: string }> {
  const online = await generateKey('ed25519');
  await writeKeyFile(join(made.directory, 'keys', `${online.key.keyid}.json`), online, undefined);
  const index = await openBare(made.directory);
  await Promise.all(Array.from({ length: 100 }, (_, i) => index.publisher.publish(newFile(`rotated-${i}`, '1.0'))));
  await index.close();
  return { online, file: newFile('rotated-7', '1.0').filename };
}

test('after a new online key every role is signed by it and by nothing else, and old clients follow (P5)', async (t) => {
  const made = await makeIndex(t);
  const { online, file } = await prepared(made);
  const client = clientOf(made);
  await client.refresh();
  assert.ok((await listed(client, 'rotated-7')).has(file));

  const index = await openBare(made.directory);
  await index.importOffline(await rotation(made, online));
  assert.ok(
    Buffer.from(await readFile(join(made.directory, 'objects/metadata/2.root.json'))).equals(index.metadata.root),
  );
  const report = await client.refresh();
  assert.deepEqual([report.rootVersion, report.targetsVersion], [2, 2]);
  for (let i = 0; i < 100; i++) assert.equal((await listed(client, `rotated-${i}`)).size, 1);
  await assertSignedOnlyBy(made, index, online);
  await index.publisher.publish(newFile('rotated-7', '2.0'));
  await index.close();
  await (await openBare(made.directory)).close();
  assert.equal((await verifiedFiles(made, 'rotated-7')).size, 2);
});

test('a new root with the same keys renews the root and leaves the bins alone', async (t) => {
  const made = await makeIndex(t);
  const { file } = await prepared(made);
  const index = await openBare(made.directory);
  const before = await readdir(join(made.directory, 'objects/metadata'));
  await index.importOffline({ root: await makeRoot({ version: 2, offline: made.offline, online: made.online }) });
  const after = await readdir(join(made.directory, 'objects/metadata'));
  const fresh = after.filter((name) => !before.includes(name)).map((name) => name.replace(/^\d+\./, ''));
  assert.deepEqual(fresh.sort(), ['root.json', 'snapshot.json']);
  assert.ok((await verifiedFiles(made, 'rotated-7')).has(file));
});

test('what may not follow is refused and changes nothing: versions, signatures, expiry, keys that the index lacks (P5)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const before = (await readdir(join(made.directory, 'objects/metadata'))).sort();
  const stranger = await generateKey('ed25519');
  const facts = { version: 2, offline: made.offline, online: made.online };
  const refused = async (
    offer: { root?: Uint8Array; targets?: Uint8Array },
    error: typeof MetadataRefusedError | typeof OnlineKeyError,
  ) => {
    await assert.rejects(index.importOffline(offer), error);
  };
  for (const version of [1, 3]) {
    await refused({ root: await makeRoot({ ...facts, version }) }, MetadataRefusedError);
    await refused({ targets: await makeTargets({ ...facts, version }) }, MetadataRefusedError);
  }
  for (const signers of [[], [stranger], [made.online]]) {
    await refused({ root: await makeRoot({ ...facts, signers }) }, MetadataRefusedError);
    await refused({ targets: await makeTargets({ ...facts, signers }) }, MetadataRefusedError);
  }
  const past = new Date('2020-01-01T00:00:00Z');
  await refused({ root: await makeRoot({ ...facts, expires: past }) }, MetadataRefusedError);
  await refused({ targets: await makeTargets({ ...facts, expires: past }) }, MetadataRefusedError);
  // A root of other holders, signed by them alone; and one that takes away the keys of the published targets.
  await refused({ root: await makeRoot({ ...facts, offline: stranger }) }, MetadataRefusedError);
  await refused(
    { root: await makeRoot({ ...facts, offline: stranger, signers: [stranger, made.offline] }) },
    MetadataRefusedError,
  );
  await refused({ root: await makeRoot({ ...facts, online: stranger }) }, OnlineKeyError);
  await refused({ targets: await makeTargets({ ...facts, online: stranger }) }, OnlineKeyError);
  await refused({ root: Buffer.from('{}'), targets: Buffer.from('[') }, MetadataRefusedError);
  assert.deepEqual((await readdir(join(made.directory, 'objects/metadata'))).sort(), before);
  await index.publisher.publish(newFile('still', '1.0'));
  assert.equal((await verifiedFiles(made, 'still')).size, 1);
});

test('of two imports of one version at once, one is published and the other refused', async (t) => {
  const made = await makeIndex(t);
  const objects = await FaultyStore.open(made.directory);
  const index = await openBare(made.directory, { objects });
  const facts = { version: 2, offline: made.offline, online: made.online };
  const offers = [{ expires: new Date('2035-01-01T00:00:00Z') }, { expires: new Date('2036-01-01T00:00:00Z') }];
  const outcomes = await Promise.allSettled(
    offers.map(async (offer) => index.importOffline({ targets: await makeTargets({ ...facts, ...offer }) })),
  );
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.deepEqual(objects.complaints, []);
  assert.equal((await clientOf(made).refresh()).targetsVersion, 2);
});

test('an import that breaks at any put leaves clients a whole index, and is finished or repeatable afterwards (P5, P10)', async (t) => {
  const made = await makeIndex(t);
  const { online, file } = await prepared(made);
  const objects = await FaultyStore.open(made.directory);
  let index = await openBare(made.directory, { objects });
  objects.fail((put) => (put === 1 ? 'before' : undefined));
  await assert.rejects(index.importOffline(await rotation(made, online)), /the disk is gone/);
  objects.fail(() => undefined);
  assert.ok((await verifiedFiles(made, 'rotated-7')).has(file), 'nothing is visible yet');
  await index.close();
  index = await openBare(made.directory, { objects });
  await assertSignedOnlyBy(made, index, online);
  assert.ok((await verifiedFiles(made, 'rotated-7')).has(file));

  // Back to the first key, broken at each of the last puts: root, then timestamp.
  const facts = { offline: made.offline, online: made.online };
  for (const [at, fault] of (['before', 'after'] as const).entries()) {
    const version = 3 + at;
    const offer = { root: await makeRoot({ ...facts, version }), targets: await makeTargets({ ...facts, version }) };
    objects.fail(() => undefined);
    objects.onPut = (key) => {
      if (key === `metadata/${version}.root.json`) objects.fail(() => fault);
    };
    await assert.rejects(index.importOffline(offer), /the disk is gone/);
    objects.fail(() => undefined);
    objects.onPut = () => {};
    await assert.rejects(index.importOffline(offer), MetadataRefusedError, 'it was recorded, and is published first');
    assert.ok((await verifiedFiles(made, 'rotated-7')).has(file));
  }
  await assertSignedOnlyBy(made, index, made.online);
  assert.deepEqual(objects.complaints, []);
});

async function assertSignedOnlyBy(made: BareIndex, index: OpenIndex, key: LocalSigner): Promise<void> {
  const snapshot = await index.metadata.newest('snapshot');
  const timestamp = await index.metadata.newest('timestamp');
  assert.ok(snapshot && timestamp);
  const signers = new Set(
    [...parseSnapshot(snapshot).signatures, ...parseTimestamp(timestamp).signatures].map(({ keyid }) => keyid),
  );
  for (const [file, { version }] of parseSnapshot(snapshot).signed.meta) {
    if (file === 'targets.json') continue;
    const bytes = await readFile(join(made.directory, 'objects/metadata', `${version}.${file}`));
    for (const { keyid } of parseTargets(bytes).signatures) signers.add(keyid);
  }
  assert.deepEqual(signers, new Set([key.key.keyid]));
}

import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { UnsignedMetadataError } from '@holdfast/tuf';
import {
  AmbiguousIndexError,
  InvalidInputError,
  NoTrustError,
  RootMismatchError,
  TrustExistsError,
  UnreachableError,
} from '../src/errors.ts';
import { DEFAULT_LIMITS } from '../src/fetch/limits.ts';
import { addTrust, findTrust, listTrust, removeTrust } from '../src/trust/trust-store.ts';
import { withoutCredentials } from '../src/trust/trusted-index.ts';
import { Scene } from './scene.ts';

let scene: Scene;
const limits = { ...DEFAULT_LIMITS, retries: 0 };

beforeEach(async () => {
  scene = await Scene.make({ trust: false });
});
afterEach(() => scene.close());

const add = (root: Uint8Array | string, urls = [scene.mirror.url], name = 'main') =>
  addTrust({ home: scene.home, name, urls, root, environment: {}, limits });

test('trusts an index by its root file without asking anybody (P13)', async () => {
  const trusted = await add(scene.repository.root);
  assert.equal(trusted.fingerprint, scene.repository.fingerprint);
  assert.deepEqual(scene.mirror.asked, []);
  assert.ok((await readFile(join(trusted.directory, 'root.json'))).equals(scene.repository.root));
  assert.deepEqual(await listTrust(scene.home), [trusted]);
});

test('trusts an index by a fingerprint, also that of an old root, as people write it on paper (P5)', async () => {
  const old = scene.repository.fingerprint;
  await scene.repository.publishRoot('root');
  await scene.repository.publishRoot('root');
  const spelled = (old.toUpperCase().match(/.{8}/g) ?? []).join(' ');
  assert.equal((await add(spelled)).fingerprint, old);
  assert.ok(await (await scene.client()).refresh(), 'and walks on from there to the newest root');
});

test('refuses a server that has no root of that fingerprint, and says what it has', async () => {
  const error = await add('00'.repeat(32)).catch((caught: unknown) => caught);
  assert.ok(error instanceof RootMismatchError);
  assert.deepEqual(error.seen, [scene.repository.fingerprint]);
  await assert.rejects(findTrust(scene.home), NoTrustError);
});

test('a server that sends anything else as root cannot be trusted by fingerprint', async () => {
  scene.mirror.intercept = (_, response) => (response.end('{}'), true);
  await assert.rejects(add(scene.repository.fingerprint), RootMismatchError);
  await scene.mirror.close();
  await assert.rejects(add(scene.repository.fingerprint), UnreachableError);
});

test('refuses a root that its own keys did not sign', async () => {
  const text = Buffer.from(scene.repository.root).toString().replace('"version":1', '"version":2');
  await assert.rejects(add(Buffer.from(text)), UnsignedMetadataError);
});

test('keeps credentials in a file that only the user can read, and shows addresses without them', async () => {
  const trusted = await add(scene.repository.root, ['https://anna:secret@index.example/simple/']);
  assert.equal((await stat(join(trusted.directory, 'trust.json'))).mode & 0o777, 0o600);
  assert.deepEqual((await findTrust(scene.home)).urls, ['https://anna:secret@index.example/']);
  assert.equal(withoutCredentials(trusted.urls[0] ?? ''), 'https://index.example/');
});

test('a root that was damaged on disk is not used', async () => {
  const { directory } = await add(scene.repository.root);
  await writeFile(join(directory, 'root.json'), Buffer.from(scene.repository.root).subarray(1));
  await assert.rejects(scene.client(), InvalidInputError);
});

test('a name stands for one index: adding twice is refused, removing forgets all, several must be told apart', async () => {
  await add(scene.repository.root);
  await assert.rejects(add(scene.repository.root), TrustExistsError);
  await add(scene.repository.root, [scene.mirror.url], 'other');
  await assert.rejects(findTrust(scene.home), AmbiguousIndexError);
  await removeTrust(scene.home, 'main');
  assert.equal((await findTrust(scene.home)).name, 'other');
  await assert.rejects(removeTrust(scene.home, 'main'), NoTrustError);
  await assert.rejects(stat(join(scene.home, 'trust', 'main')), { code: 'ENOENT' });
});

test('refuses names that are no directory names, and a trust file that is damaged', async () => {
  for (const name of ['', '..', 'a/b', 'A', '-a', '.a', 'a'.repeat(65)])
    await assert.rejects(add(scene.repository.root, undefined, name), InvalidInputError, name);
  const { directory } = await add(scene.repository.root);
  for (const text of ['', '{}', 'null', '{"format":2}', '{"format":1,"name":"main","urls":[]}']) {
    await writeFile(join(directory, 'trust.json'), text);
    await assert.rejects(findTrust(scene.home, 'main'), InvalidInputError, text);
  }
});

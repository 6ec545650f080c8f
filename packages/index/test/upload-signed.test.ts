import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { fileUrlPath, targetPath } from '@holdfast/trust';
import { normalizeName } from '@holdfast/python-index';
import { Updater, type MetadataStore, NotFoundError } from '@holdfast/tuf';
import { rawRequest } from './support/raw-request.ts';
import { type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeSdist, makeWheel } from './support/wheel.ts';

/** A TUF client that knows the first root and nothing else, over HTTP. */
function newClient({ url, root }: ServedIndexUnderTest): Updater {
  const files = new Map<string, Uint8Array>();
  const store: MetadataStore = {
    read: async (name) => files.get(name),
    write: async (name, bytes) => void files.set(name, bytes),
    remove: async (name) => void files.delete(name),
    lock: (fn) => fn(),
  };
  const fetcher = {
    fetch: async (path: string): Promise<Uint8Array> => {
      const response = await rawRequest(`${url}/metadata/${path}`);
      if (response.status !== 200) throw new NotFoundError(path);
      return response.body;
    },
  };
  return new Updater({ trustedRoot: root, fetcher, store, clock: () => new Date() });
}

test('when an upload is answered 200, a TUF client finds the file with its hash at once (P9)', async (t: TestContext) => {
  const served = await serveIndex(t);
  for (const file of [makeWheel({ requiresPython: '>=3.8' }), makeSdist()]) {
    assert.equal((await upload(served, file)).status, 200);
    const client = newClient(served);
    await client.refresh();
    const path = targetPath(normalizeName('demo'), file.filename);
    const info = await client.targetInfo(path);
    const sha256 = createHash('sha256').update(file.bytes).digest('hex');
    assert.equal(info?.file.hashes.get('sha256'), sha256);
    const fetched = await rawRequest(`${served.url}/${fileUrlPath(path, sha256)}`);
    assert.ok(fetched.body.equals(file.bytes));
  }
  assert.equal((await rawRequest(`${served.url}/healthz`)).status, 200);
  assert.deepEqual(await served.leftovers(), []);
});

test('thirty uploads at once are all in signed metadata when they are answered (P9, M8)', async (t) => {
  const served = await serveIndex(t);
  const files = Array.from({ length: 30 }, (_, i) => makeWheel({ name: `demo-${i % 7}`, version: `${i}.0` }));
  const answers = await Promise.all(files.map((file) => upload(served, file)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const client = newClient(served);
  await client.refresh();
  for (const [i, { filename }] of files.entries()) {
    assert.ok(await client.targetInfo(targetPath(normalizeName(`demo-${i % 7}`), filename)), filename);
  }
});

test('a deleted file’s name stays taken, another’s project stays closed, and nobody is told more than that', async (t) => {
  const served = await serveIndex(t);
  assert.equal((await upload(served, makeWheel())).status, 200);
  await served.index.publisher.delete(normalizeName('demo'), makeWheel().filename);
  const again = await upload(served, makeWheel());
  assert.equal(again.status, 400);
  assert.match(again.statusText, /^File already exists/);
  await served.index.accounts.createAccount('bob');
  const bob = await served.index.accounts.createToken({ account: 'bob', label: '' });
  assert.equal((await upload({ ...served, token: bob.token }, makeWheel({ version: '2.0' }))).status, 403);
  assert.equal((await upload({ ...served, token: bob.token }, makeWheel({ name: 'bobs' }))).status, 200);
  await served.index.accounts.revokeToken(bob.id);
  assert.equal(
    (await upload({ ...served, token: bob.token }, makeWheel({ name: 'bobs', version: '2.0' }))).status,
    403,
  );
});

test('a yank through the API is in signed metadata and on the page when it is answered (PEP 592)', async (t) => {
  const served = await serveIndex(t);
  await upload(served, makeWheel());
  const response = await fetch(`${served.url}/api/v1/projects/demo/yank`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${served.token}` },
    body: JSON.stringify({ version: '1.0', yanked: true, reason: 'broken' }),
  });
  assert.equal(response.status, 200);
  const client = newClient(served);
  await client.refresh();
  const info = await client.targetInfo(targetPath(normalizeName('demo'), makeWheel().filename));
  assert.equal(info?.file.custom?.get('yanked'), 'broken');
  const headers = { accept: 'application/vnd.pypi.simple.v1+json' };
  assert.match((await rawRequest(`${served.url}/simple/demo/`, { headers })).body.toString(), /"yanked":\s*"broken"/);
});

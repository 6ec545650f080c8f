import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { ObjectStoreError, StorageFullError, UnsafeObjectStoreError } from '../src/errors.ts';
import { S3Store } from '../src/objects/s3-store.ts';
import { VerifiedStore } from '../src/objects/verified-store.ts';
import { objectStoreContract } from './support/object-store-contract.ts';
import { startS3Server } from './support/s3-server.ts';

const server = await startS3Server();
const directory = await mkdtemp(join(tmpdir(), 'holdfast-s3-incoming-'));
after(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const buckets = new Map<string, string>();
async function open(name: string): Promise<S3Store> {
  const bucket = `bucket-${name}`;
  buckets.set(name, buckets.get(name) ?? (await server.bucket(bucket)));
  const location = { bucket, endpoint: server.url, region: undefined };
  return S3Store.open({ location, credentials: server.credentials, incoming: join(directory, name) });
}

objectStoreContract('S3', open);

test('a listing that takes more than one answer is complete', async () => {
  const store = await open('many');
  const many = Array.from({ length: 1_100 }, (_, i) => `${i}`);
  const directory = join(buckets.get('many') ?? '', 'm');
  await mkdir(directory);
  await Promise.all(many.map((name) => writeFile(join(directory, name), 'x')));
  const keys: string[] = [];
  for await (const key of store.list('m/')) keys.push(key);
  assert.deepEqual(keys.sort(), many.map((name) => `m/${name}`).sort());
});

test('a download whose connection breaks goes on where it broke, and one that breaks for ever ends', async () => {
  const store = await open('broken');
  const content = Buffer.alloc(4 * 2 ** 20, 'all of it, ');
  await store.put('x', content);
  const before = server.cuts;
  server.cut([900_000, 1_200_000]);
  const object = await store.open('x');
  assert.deepEqual(Buffer.concat((await object?.stream().toArray()) ?? []), content);
  assert.equal(server.cuts - before, 2);
  server.cut(Array.from({ length: 40 }, () => 100_000));
  await assert.rejects(object?.stream({ start: 10, end: 3_000_000 }).toArray() ?? Promise.resolve());
  server.cut([]);
  object?.close();
});

test('an object that was replaced while it was read is not continued with the bytes of the other', async () => {
  const store = await open('replaced');
  await store.put('x', Buffer.alloc(4 * 2 ** 20, 'old'));
  const object = await store.open('x');
  await store.put('x', Buffer.alloc(4 * 2 ** 20, 'new'));
  await assert.rejects(object?.stream().toArray() ?? Promise.resolve(), { name: 'ObjectStoreError', status: 412 });
  object?.close();
});

test('a write is sent again when its answer is lost, and a condition then meets what the first one stored', async () => {
  const store = await open('lost-answers');
  server.cut([1, 1]);
  assert.equal(await store.put('x', new Uint8Array([1])), 'stored');
  server.cut([1]);
  assert.equal(await store.put('y', new Uint8Array([2]), { ifAbsent: true }), 'exists');
  const incoming = await store.incoming();
  await writeFile(incoming.path, 'from a file');
  server.cut([1, 1]);
  assert.equal(await store.put('z', { file: incoming.path }), 'stored');
  server.cut([50, 50]);
  assert.deepEqual(await store.get('z', { maxLength: 100 }), Buffer.from('from a file'));
});

test('a store that does not come back is given up, with an error that holds no secret', async () => {
  const store = await open('down');
  server.cut(Array.from({ length: 8 }, () => 1));
  await assert.rejects(store.put('x', new Uint8Array(1)), (error: unknown) => {
    assert.ok(error instanceof ObjectStoreError);
    assert.equal(error.key, 'x');
    assert.equal(error.status, undefined);
    assert.doesNotMatch(inspect(error, { depth: 10 }), /Authorization|Signature=|a secret/i);
    return true;
  });
  server.cut([]);
});

test('a bucket that is not there, or is gone, or belongs to others is no empty store', async () => {
  const missing = { bucket: 'bucket-missing', endpoint: server.url, region: undefined };
  const { credentials } = server;
  const incoming = join(directory, 'refused');
  await assert.rejects(S3Store.open({ location: missing, credentials, incoming }), {
    name: 'ObjectStoreError',
    reason: 'NoSuchBucket',
  });
  const stranger = { accessKeyId: credentials.accessKeyId, secretAccessKey: 'guessed' };
  await open('gone');
  const location = { bucket: 'bucket-gone', endpoint: server.url, region: undefined };
  await assert.rejects(S3Store.open({ location, credentials: stranger, incoming }), {
    name: 'ObjectStoreError',
    status: 403,
  });
  const store = await open('gone');
  await rm(buckets.get('gone') ?? '', { recursive: true });
  await assert.rejects(store.get('x', { maxLength: 1 }), { name: 'ObjectStoreError', reason: 'NoSuchBucket' });
});

/** What a service does that was never meant for this: it is spoken to as S3 and does as its test says. */
async function openStrange(
  t: TestContext,
  answer: (method: string, refused: boolean, tagged: boolean) => number,
  code = 'Refused',
): Promise<S3Store> {
  const kept = new Map<string, Buffer>();
  const strange = createServer((request, response) => void respond(request, response));
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', headers } = request;
    const [url = ''] = request.url?.split('?') ?? [];
    const body = await buffer(request);
    const tag = createHash('md5')
      .update(kept.get(url) ?? '')
      .digest('hex');
    const refused = headers['if-none-match'] === '*' ? kept.has(url) : (headers['if-match'] ?? tag) !== tag;
    const status = answer(method, refused, headers['if-match'] !== undefined);
    if (method === 'PUT' && status === 200) kept.set(url, body);
    const refusal = Buffer.from(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
    const content = status === 200 ? (method === 'GET' && kept.get(url)) || Buffer.alloc(0) : refusal;
    response.writeHead(status, { 'Content-Length': content.length, ETag: tag }).end(content);
  };
  strange.listen(0, '127.0.0.1');
  await once(strange, 'listening');
  t.after(() => strange.close());
  const { port } = strange.address() as AddressInfo;
  const location = { bucket: 'bucket', endpoint: `http://127.0.0.1:${port}`, region: undefined };
  return S3Store.open({ location, credentials: server.credentials, incoming: join(directory, 'strange') });
}

test('a service that ignores the condition of a write, or has none, is refused at start', async (t) => {
  await assert.rejects(
    openStrange(t, () => 200),
    UnsafeObjectStoreError,
  );
  await assert.rejects(
    openStrange(t, (method) => (method === 'PUT' ? 501 : 200)),
    UnsafeObjectStoreError,
  );
  await assert.rejects(
    openStrange(t, (_method, refused, tagged) => (refused && !tagged ? 412 : 200)),
    UnsafeObjectStoreError,
  );
});

test('no space, or no quota, is said as such and not tried again', async (t) => {
  let puts = 0;
  const full = (method: string, refused: boolean): number => {
    if (refused) return 412;
    return method === 'PUT' && ++puts > 2 ? 507 : 200;
  };
  const store = await openStrange(t, full);
  await assert.rejects(store.put('x', new Uint8Array(1)), StorageFullError);
  assert.equal(puts, 3);
  let others = 0;
  const quota = (method: string, refused: boolean): number => {
    if (refused) return 412;
    return method === 'PUT' && ++others > 2 ? 403 : 200;
  };
  const small = await openStrange(t, quota, 'QuotaExceeded');
  await assert.rejects(small.put('x', new Uint8Array(1)), StorageFullError);
  assert.equal(others, 3);
});

test('what was put counts as kept only while the object has its tag (P10)', async () => {
  const store = await open('verified');
  const put = store.putTagged.bind(store);
  const bytes = Buffer.from('to be kept');
  const verified = new VerifiedStore(store);
  assert.equal(await verified.put('x', bytes), 'stored');
  assert.equal(await verified.put('x', bytes, { ifAbsent: true }), 'exists');
  let attempts = 0;
  const losing = (lose: () => Promise<unknown>): void => {
    attempts = 0;
    store.putTagged = async (...given) => {
      const outcome = await put(...given);
      attempts++;
      await lose();
      return outcome;
    };
  };
  losing(() => put('y', Buffer.from('of a cache'))); // As long.
  await assert.rejects(verified.put('y', bytes), ObjectStoreError);
  assert.equal(attempts, 3);
  losing(() => store.delete('z'));
  await assert.rejects(verified.put('z', bytes), ObjectStoreError);
  losing(() => (attempts === 1 ? store.delete('z') : Promise.resolve()));
  assert.equal(await verified.put('z', bytes), 'stored');
  assert.equal(attempts, 2);
});

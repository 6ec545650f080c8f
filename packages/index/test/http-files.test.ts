import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { fileUrlPath, consistentTargetPath, targetPath } from '@holdfast/trust';
import { normalizeName } from '@holdfast/python-index';
import { rawRequest } from './support/raw-request.ts';
import { type Served, serveMemory } from './support/served.ts';

interface ServedFile extends Served {
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly file: string;
  readonly target: string;
}

async function serveFile(
  t: TestContext,
  size = 5000,
  filename = 'demo-1.0+local-py3-none-any.whl',
): Promise<ServedFile> {
  const served = await serveMemory(t);
  const bytes = randomBytes(size);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const path = targetPath(normalizeName('demo'), filename);
  await served.index.objects.put(`targets/${consistentTargetPath(path, sha256)}`, bytes);
  await served.index.objects.put(`targets/${consistentTargetPath(path, sha256)}.metadata`, Buffer.from('Name: demo\n'));
  const file = `${served.url}/${fileUrlPath(path, sha256)}`;
  return { ...served, bytes, sha256, file, target: `${served.url}/targets/${consistentTargetPath(path, sha256)}` };
}

test('a file is served whole, immutable, tagged with its hash, and never with a content coding (A2)', async (t) => {
  const { file, target, bytes, sha256 } = await serveFile(t);
  for (const url of [file, target, file.replace('+', '%2B')]) {
    const response = await rawRequest(url, { headers: { 'accept-encoding': 'gzip, zstd' } });
    assert.equal(response.status, 200);
    assert.ok(response.body.equals(bytes));
    assert.equal(response.headers['content-encoding'], undefined);
    assert.equal(response.headers['content-length'], '5000');
    assert.equal(response.headers['content-type'], 'application/octet-stream');
    assert.equal(response.headers['accept-ranges'], 'bytes');
    assert.equal(response.headers.etag, `"${sha256}"`);
    assert.equal(response.headers['cache-control'], 'public, max-age=31536000, immutable');
  }
});

test('HEAD tells length and tag without a byte, as lazy readers need it', async (t) => {
  const { file, sha256 } = await serveFile(t);
  const response = await rawRequest(file, { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.equal(response.headers['content-length'], '5000');
  assert.equal(response.headers['accept-ranges'], 'bytes');
  assert.equal(response.headers.etag, `"${sha256}"`);
  assert.equal(response.body.length, 0);
});

test('a single range is answered with 206, what lies behind the end with 416, a list of ranges with the whole', async (t) => {
  const { file, bytes } = await serveFile(t);
  const get = (range: string) => rawRequest(file, { headers: { range } });
  const middle = await get('bytes=100-199');
  assert.equal(middle.status, 206);
  assert.equal(middle.headers['content-range'], 'bytes 100-199/5000');
  assert.ok(middle.body.equals(bytes.subarray(100, 200)));
  const tail = await get('bytes=-10');
  assert.ok(tail.body.equals(bytes.subarray(4990)));
  const behind = await get('bytes=5000-');
  assert.equal(behind.status, 416);
  assert.equal(behind.headers['content-range'], 'bytes */5000');
  const list = await get('bytes=0-1,3-4');
  assert.equal(list.status, 200);
  assert.ok(list.body.equals(bytes));
});

test('a download resumes with If-Range only while it is the same file', async (t) => {
  const { file, sha256 } = await serveFile(t);
  const resume = (ifRange: string) => rawRequest(file, { headers: { range: 'bytes=4000-', 'if-range': ifRange } });
  assert.equal((await resume(`"${sha256}"`)).status, 206);
  assert.equal((await resume('"another"')).status, 200);
  assert.equal((await resume('Sat, 21 Nov 2026 00:00:00 GMT')).status, 200);
});

test('who has the file gets 304', async (t) => {
  const { file, sha256 } = await serveFile(t);
  const response = await rawRequest(file, { headers: { 'if-none-match': `W/"${sha256}"` } });
  assert.equal(response.status, 304);
  assert.equal(response.body.length, 0);
  assert.equal(response.headers['cache-control'], 'public, max-age=31536000, immutable');
});

test('the core metadata stands beside the file, immutable, with a tag of its own (PEP 658)', async (t) => {
  const { file, sha256 } = await serveFile(t);
  const response = await rawRequest(`${file}.metadata`);
  assert.equal(response.body.toString(), 'Name: demo\n');
  assert.equal(response.headers.etag, `"${sha256}-metadata"`);
  assert.match(response.headers['cache-control'] ?? '', /immutable/);
});

test('no path leads to an object that is not a distribution, and none out of the store', async (t) => {
  const { file, url, index } = await serveFile(t);
  await index.objects.put('metadata/timestamp.json', Buffer.from('{}'));
  const paths = [
    '/files/../metadata/timestamp.json',
    '/files/%2e%2e/metadata/timestamp.json',
    '/files/abcdef/demo/..%2f..%2fmetadata%2ftimestamp.json',
    '/targets/metadata/timestamp.json',
    `/files/..${new URL(file).pathname.slice(13)}`,
    `/files/ABCDEF${new URL(file).pathname.slice(13)}`,
    `/files/abcdef${new URL(file).pathname.slice(13).replace('/demo/', '/../')}`,
    `${new URL(file).pathname}/`,
    new URL(file).pathname.replace('demo-1.0', 'demo-1.1'),
    new URL(file).pathname.replace('/demo/', '/Demo/'),
    '/files/',
    '/targets',
    `/files/${'a'.repeat(5000)}`,
  ];
  for (const path of paths) assert.equal((await rawRequest(url + path)).status, 404, path);
});

test('an empty object is served', async (t) => {
  const { file } = await serveFile(t, 0);
  const response = await rawRequest(file);
  assert.equal(response.status, 200);
  assert.equal(response.headers['content-length'], '0');
});

test('twenty downloads that are broken off leave the server well', async (t) => {
  const { file, url, bytes } = await serveFile(t, 4 * 2 ** 20);
  const { hostname, port, pathname } = new URL(file);
  for (let i = 0; i < 20; i += 1) {
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'data');
    socket.resetAndDestroy();
  }
  assert.equal((await fetch(`${url}/simple/`)).status, 200);
  assert.ok((await rawRequest(file)).body.equals(bytes));
});

test('versioned metadata is immutable, plain names must be asked for, both compressed on request (P8, P16)', async (t) => {
  const { index, url } = await serveMemory(t);
  const bytes = Buffer.from(JSON.stringify({ signed: { targets: 'x'.repeat(5000) } }));
  await index.objects.put('metadata/3.unclaimed.3f.json', bytes);
  index.roles.set('timestamp', bytes);
  index.roles.set('unclaimed.3f', bytes);
  const versioned = await rawRequest(`${url}/metadata/3.unclaimed.3f.json`);
  assert.ok(versioned.body.equals(bytes));
  assert.match(versioned.headers['cache-control'] ?? '', /immutable/);
  for (const name of ['timestamp', 'unclaimed.3f']) {
    const plain = await rawRequest(`${url}/metadata/${name}.json`);
    assert.ok(plain.body.equals(bytes));
    assert.equal(plain.headers['cache-control'], 'no-cache');
    const again = await rawRequest(`${url}/metadata/${name}.json`, {
      headers: { 'if-none-match': plain.headers.etag },
    });
    assert.equal(again.status, 304);
  }
  const packed = await rawRequest(`${url}/metadata/3.unclaimed.3f.json`, { headers: { 'accept-encoding': 'zstd' } });
  assert.equal(packed.headers['content-encoding'], 'zstd');
  assert.ok(packed.body.length < 500);
  assert.ok(zstdDecompressSync(packed.body).equals(bytes));
});

test('a new timestamp is served at once, and metadata that is not there is 404', async (t) => {
  const { index, url } = await serveMemory(t);
  for (const text of ['{"v":1}', '{"v":2}']) {
    index.roles.set('timestamp', Buffer.from(text));
    assert.equal((await rawRequest(`${url}/metadata/timestamp.json`)).body.toString(), text);
  }
  for (const name of ['9.root.json', 'none.json', '../x.json', 'timestamp', '1.timestamp.json', '.json', '']) {
    assert.equal((await rawRequest(`${url}/metadata/${name}`)).status, 404, name);
  }
});

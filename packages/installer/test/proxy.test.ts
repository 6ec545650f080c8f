import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import type { Refusal } from '../src/proxy/journal.ts';
import { type RunningProxy, startProxy } from '../src/proxy/start-proxy.ts';
import { targetAddress } from './repository.ts';
import { Scene } from './scene.ts';

let scene: Scene;
let proxy: RunningProxy;
let refusals: Refusal[];

beforeEach(async () => {
  scene = await Scene.make();
  refusals = [];
  const clients = [await scene.client({ refreshAfterMs: 0 })];
  proxy = await startProxy({ clients, onRefusal: (refusal) => refusals.push(refusal) });
  scene.later(() => proxy.close());
});
afterEach(() => scene.close());

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request as it is: `target` goes onto the request line unchanged. */
function ask(target: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(proxy.url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path: target, headers, method, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const { statusCode = 0, statusMessage = '' } = response;
        resolve({ status: statusCode, reason: statusMessage, headers: response.headers, body: Buffer.concat(parts) });
      });
      response.on('error', reject);
    });
    request.on('error', reject).end();
  });
}

async function fileAddress(): Promise<string> {
  const { body } = await ask('/i/main/simple/demo/', { accept: JSON_TYPE });
  const page = JSON.parse(body.toString()) as { files: { url: string }[] };
  return new URL(page.files[0]?.url ?? '', proxy.indexUrl('main') + 'demo/').pathname;
}

test('renders a project page in JSON and in HTML from verified roles, with an entity tag (P1)', async () => {
  const json = await ask('/i/main/simple/demo/', { accept: JSON_TYPE });
  assert.equal(json.headers['content-type'], JSON_TYPE);
  const page = JSON.parse(json.body.toString()) as { files: { filename: string; hashes: { sha256: string } }[] };
  assert.deepEqual(
    page.files.map(({ filename }) => filename),
    ['demo-1.0-py3-none-any.whl'],
  );
  const html = await ask('/i/main/simple/demo/', { accept: 'text/html' });
  assert.match(html.body.toString(), /<a href="[^"]+#sha256=[0-9a-f]{64}"/);
  assert.notEqual(json.headers.etag, html.headers.etag);
  const again = await ask('/i/main/simple/demo/', { accept: JSON_TYPE, 'if-none-match': json.headers.etag ?? '' });
  assert.equal(again.status, 304);
  assert.equal((await ask('/i/main/simple/Demo/')).headers.location, '../demo/');
});

test('a project that verified roles do not list is 404, and nothing is called refused', async () => {
  const { status, body } = await ask('/i/main/simple/absent/');
  assert.equal(status, 404);
  assert.match(body.toString(), /lists no project named absent/);
  assert.deepEqual(refusals, []);
});

test('the list of all projects is not shown, since nobody could verify it cheaply: a plain text says so and asks nothing of the index', async () => {
  const before = scene.mirror.asked.length;
  for (const target of ['/i/main/simple/', '/i/main/simple', `${scene.mirror.url}simple/`]) {
    const { status, reason, headers, body } = await ask(target, { accept: JSON_TYPE });
    assert.deepEqual([status, reason], [404, 'Holdfast does not list all projects']);
    assert.equal(headers['content-type'], 'application/problem+json');
    const { detail } = JSON.parse(body.toString()) as { detail: string };
    assert.match(detail, /one project at a time, at simple\/PROJECT\/.*pip and uv do not need the list/);
    assert.ok(detail.endsWith(`which nobody has verified: ${scene.mirror.url}simple/`));
  }
  assert.equal((await ask('/i/main/simple/', {}, 'HEAD')).body.length, 0);
  assert.equal(scene.mirror.asked.length, before);
  assert.deepEqual(refusals, []);
});

test('serves a file whole, in ranges, and its head without fetching it; cacheable for ever', async () => {
  const address = await fileAddress();
  const head = await ask(address, {}, 'HEAD');
  assert.equal(head.status, 200);
  assert.equal(scene.mirror.count(/^targets\/.*\.whl$/), 0, 'HEAD needs no download');
  const whole = await ask(address);
  assert.equal(whole.headers['content-length'], head.headers['content-length']);
  assert.match(whole.headers['cache-control'] ?? '', /immutable/);
  const range = await ask(address, { range: 'bytes=2-5' });
  assert.equal(range.status, 206);
  assert.deepEqual(range.body, whole.body.subarray(2, 6));
  assert.equal(range.headers['content-range'], `bytes 2-5/${whole.body.length}`);
  assert.equal((await ask(address, { range: 'bytes=99999999-' })).status, 416);
  assert.equal((await ask(address, { 'if-none-match': whole.headers.etag ?? '' })).status, 304);
  assert.match((await ask(`${address}.metadata`)).body.toString(), /^Metadata-Version/);
  assert.deepEqual(
    proxy.verified.map(({ file }) => file.filename),
    ['demo-1.0-py3-none-any.whl'],
  );
});

test('not one byte of a file is sent before all of it is verified', async () => {
  const address = await fileAddress();
  const file = (await (await scene.client()).project(normalizeName('demo')))?.files[0] ?? assert.fail();
  const bytes = Buffer.from(scene.repository.files.get(targetAddress(file)) ?? []);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  scene.repository.files.set(targetAddress(file), bytes);
  for (const headers of [{}, { range: 'bytes=0-3' }]) {
    const { status, reason, body, headers: answered } = await ask(address, headers);
    assert.equal(status, 409);
    assert.match(reason, /^Holdfast refused demo-1\.0-py3-none-any\.whl: What the server sent/);
    assert.equal(answered['content-type'], 'application/problem+json');
    assert.ok(!body.includes(bytes.subarray(0, 4)));
  }
  assert.equal(refusals.length, 1, 'told once');
  assert.equal(refusals[0]?.code, 'WRONG_CONTENT');
});

test('metadata that fails verification makes the page a refusal and not an empty page (P20)', async () => {
  scene.repository.files.set('metadata/timestamp.json', Buffer.from('{}'));
  const { status } = await ask('/i/main/simple/demo/');
  assert.equal(status, 409);
  assert.equal(refusals[0]?.subject, 'demo');
});

test('an address with another hash than the verified one is refused, whoever wrote it down', async () => {
  const address = (await fileAddress()).replace(/[0-9a-f]{64}/, 'ab'.repeat(32));
  assert.equal((await ask(address)).status, 409);
  assert.equal(refusals[0]?.code, 'NOT_VOUCHED');
});

test('answers under its own address only: no DNS rebinding, no other web sites', async () => {
  assert.equal((await ask('/i/main/simple/demo/', { host: 'evil.example' })).status, 421);
  assert.equal((await ask('/i/main/simple/demo/', { 'sec-fetch-site': 'cross-site' })).status, 403);
  assert.equal((await ask('/', { host: new URL(proxy.url).host.replace('127.0.0.1', 'localhost') })).status, 200);
});

test('as an HTTP proxy it serves itself and the trusted index, verified, and nobody else', async () => {
  const own = await ask('http://127.0.0.1:4653/i/main/simple/demo/');
  assert.equal(own.status, 200);
  const index = await ask(`${scene.mirror.url}simple/demo/`);
  assert.equal(index.status, 200);
  assert.deepEqual(index.body, own.body, "the trusted index's own address is answered from verified roles");
  const other = await ask('http://evil.example/x');
  assert.equal(other.status, 403);
  assert.match(other.reason, /Holdfast refused evil\.example: not a trusted index/);
  assert.equal(refusals[0]?.code, 'HOST_NOT_TRUSTED');
});

test('CONNECT is refused with a reason that tools print, and each host is told once', async () => {
  const { hostname, port } = new URL(proxy.url);
  for (let time = 0; time < 2; time++) {
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = net.connect(Number(port), hostname, () =>
        socket.write('CONNECT evil.example:443 HTTP/1.1\r\n\r\n'),
      );
      socket.on('data', (part) => (text += part.toString()));
      socket.on('close', () => resolve(text));
    });
    assert.match(answer, /^HTTP\/1\.1 403 Holdfast refused evil\.example: not a trusted index\r\n/);
  }
  assert.equal(refusals.length, 1);
});

test('an allowed unverified host is reached by CONNECT and by plain requests, on its port only (P14)', async () => {
  const other = await scene.addMirror(new Map([['x', Buffer.from('unverified')]]));
  const { host, port } = new URL(other.url);
  await proxy.close();
  proxy = await startProxy({ clients: [await scene.client()], allowUnverifiedHosts: [host] });
  assert.equal((await ask(`${other.url}x`)).body.toString(), 'unverified');
  assert.equal((await ask(`http://127.0.0.1:${Number(port) === 1 ? 2 : 1}/x`)).status, 403);
  const text = await new Promise<string>((resolve) => {
    const socket = net.connect(Number(new URL(proxy.url).port), '127.0.0.1', () =>
      socket.write(`CONNECT ${host} HTTP/1.1\r\n\r\n`),
    );
    let got = '';
    socket.on('data', (part) => {
      got += part.toString();
      if (got.endsWith('\r\n\r\n')) socket.write(`GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    socket.on('close', () => resolve(got));
  });
  assert.match(text, /unverified$/);
});

test('a port that somebody else uses is named', async () => {
  const port = Number(new URL(proxy.url).port);
  await assert.rejects(startProxy({ clients: [], port }), { code: 'INVALID_INPUT' });
});

test('writing methods are refused', async () => {
  assert.equal((await ask('/i/main/simple/demo/', {}, 'POST')).status, 405);
});

test('the status page shows indexes, refusals and files, and escapes what strangers chose', async () => {
  await ask(await fileAddress());
  await ask("http://x'y.example/");
  const { body, headers } = await ask('/');
  assert.match(body.toString(), /demo-1\.0-py3-none-any\.whl/);
  assert.match(body.toString(), /x&#39;y\.example/);
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
});

test('a tool that goes away in the middle of a file disturbs nobody', async () => {
  scene.repository.addWheel('big', '1', { padding: 4 << 20 });
  await scene.repository.publish();
  const { body } = await ask('/i/main/simple/big/', { accept: JSON_TYPE });
  const page = JSON.parse(body.toString()) as { files: { url: string }[] };
  const address = new URL(page.files[0]?.url ?? '', `${proxy.indexUrl('main')}big/`);
  await new Promise<void>((resolve) => {
    const request = http.get(address, (response) => response.once('data', () => request.destroy()));
    request.once('close', resolve).on('error', () => {});
  });
  assert.ok((await ask(address.pathname)).body.length > 4 << 20);
  assert.deepEqual(refusals, []);
});

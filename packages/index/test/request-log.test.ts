import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type LogLevel, StorageFullError } from '../src/index.ts';
import { withoutSecrets } from '../src/log.ts';
import { rawRequest } from './support/raw-request.ts';
import { serveIndex } from './support/served-index.ts';
import { serveMemory } from './support/served.ts';
import { basic, upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

type Line = Record<string, unknown>;

function recorded(level: LogLevel): { lines: Line[]; logger: ReturnType<typeof createLogger> } {
  const lines: Line[] = [];
  return { lines, logger: createLogger(level, { write: (line) => void lines.push(JSON.parse(line) as Line) }) };
}

const UUID = '0198f2b0-7c1e-7e2a-9d7e-3b1c5f6a7d8e';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a request keeps the id that a proxy gave it, and no other text becomes one', async (t) => {
  const { url } = await serveMemory(t);
  const idOf = async (headers: Record<string, string>): Promise<string> =>
    String((await rawRequest(`${url}/simple/`, { headers })).headers['x-request-id']);
  assert.equal(await idOf({ 'x-request-id': UUID }), UUID);
  assert.equal(await idOf({ traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }), TRACE);
  assert.equal(await idOf({ 'x-request-id': UUID, traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }), UUID);
  const refused = [
    { 'x-request-id': 'abc' },
    { 'x-request-id': 'a'.repeat(65) },
    { 'x-request-id': `${UUID}\t"}` },
    { 'x-request-id': 'hf_0123456789abcdef0123456789abcdef' },
    { 'x-request-id': `-${UUID}` },
    { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` },
    { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` },
    { traceparent: `01-${TRACE}-00f067aa0ba902b7-01` },
    { traceparent: '00-'.repeat(4000) },
  ];
  for (const headers of refused) assert.match(await idOf(headers), /^[0-9a-f]{12}-\w+$/, JSON.stringify(headers));
});

test('each line of an upload has its id: the request, the upload and the publication that it waited for', async (t) => {
  const { lines, logger } = recorded('debug');
  const served = await serveIndex(t, { logger }, { logger });
  const wheel = makeWheel();
  const answer = await upload(served, wheel, {}, { 'X-Request-Id': UUID });
  assert.equal(answer.status, 200);
  await rawRequest(`${served.url}/nothing/here?token=hidden`);
  await served.close();
  const line = (msg: string): Line => lines.find((each) => each['msg'] === msg) ?? {};
  const publication = lines.find(({ msg, requests }) => msg === 'publication' && String(requests) !== '') ?? {};
  assert.deepEqual([publication['changes'], publication['requests']], [1, [UUID]]);
  assert.equal(publication['id'], undefined, 'a publication belongs to no single request');
  assert.deepEqual([line('upload')['id'], line('upload')['timestampVersion']], [UUID, publication['timestampVersion']]);
  const { id, account, method, route, status, received, sent, ms, complete } = line('request');
  assert.deepEqual([id, account, method, route, status, complete], [UUID, 'ann', 'POST', '/legacy', 200, true]);
  assert.ok(Number(received) > wheel.bytes.length && Number(received) < wheel.bytes.length + 4000, String(received));
  assert.ok(Number(sent) > 100 && Number(sent) < 2000 && Number(ms) >= 0);
  const last = lines.filter(({ msg }) => msg === 'request').at(-1) ?? {};
  assert.deepEqual([last['path'], last['route'], last['status']], ['/nothing/here', 'other', 404]);
});

test('at level info reading leaves no line, what changes something does, and failures say why under the id', async (t) => {
  const { lines, logger } = recorded('info');
  const { index, url, token } = await serveMemory(t, { logger });
  await rawRequest(`${url}/simple/`);
  assert.deepEqual(lines, []);
  index.beforePublish = async () => Promise.reject(new StorageFullError({ cause: new Error('quota of the volume') }));
  const answer = await upload({ url, token }, makeWheel());
  assert.equal(answer.status, 507);
  assert.equal(lines.length, 2);
  const [why, request] = lines;
  assert.match(JSON.stringify(why), /quota of the volume/);
  assert.deepEqual([why?.['id'], request?.['id']], [answer.headers.get('x-request-id'), why?.['id']]);
  assert.deepEqual([request?.['status'], request?.['level']], [507, 40]);
});

test('no secret that a client sends anywhere reaches the log, whatever the answer', async (t) => {
  const { lines, logger } = recorded('trace');
  const served = await serveIndex(t, { logger }, { logger });
  const canary = 'hf_CANARY0CANARY0CANARY0CANARY0CANARY0CANARY0CANARY0CANARY';
  const password = 'correct-horse-CANARY-staple';
  const wheel = makeWheel();
  const bearers = [canary, served.token];
  assert.equal((await upload(served, wheel)).status, 200);
  for (const bearer of bearers) {
    await upload({ ...served, token: bearer }, wheel, { name: bearer, version: bearer });
    await upload({ ...served, token: bearer }, { ...wheel, filename: `${bearer}-1.0-py3-none-any.whl` });
    await upload({ ...served, token: bearer }, wheel, { ':action': bearer }, { 'X-Request-Id': bearer });
    for (const path of [`/simple/${bearer}/`, `/${bearer}`, `/simple/?token=${bearer}`, `/legacy/${bearer}`]) {
      for (const authorization of [basic(bearer), `Bearer ${bearer}`, basic(password, 'ann'), `Odd ${bearer}`]) {
        const headers = { authorization, cookie: `session=${bearer}`, traceparent: bearer };
        await rawRequest(`${served.url}${path}`, { headers });
        await rawRequest(`${served.url}${path}`, { method: 'POST', headers, body: Buffer.from(bearer) });
      }
    }
  }
  served.index.catalog.projectPage = async () => Promise.reject(new Error(`lost postgres://x:${password}@db/x`));
  assert.equal(
    (await rawRequest(`${served.url}/simple/demo/`, { headers: { authorization: basic(canary) } })).status,
    500,
  );
  await served.close();
  const text = JSON.stringify(lines);
  assert.ok(lines.length > 70);
  for (const secret of [canary, served.token, password, ...bearers.map((each) => basic(each).slice(6))])
    assert.ok(!text.includes(secret), secret);
});

test('credentials are cut out of a finished line, and nothing else is', () => {
  const cut = [
    ['"path":"/simple/hf_0123456789abcdefXYZ/"', '"path":"/simple/[secret]/"'],
    ['"m":"Authorization: Basic YWxpY2U6c2VjcmV0"', '"m":"Authorization: Basic [secret]"'],
    ['"m":"postgres://u:p@db.example/x"', '"m":"postgres://[secret]@db.example/x"'],
    ['"m":"https://index.example/a@b"', '"m":"https://index.example/a@b"'],
    ['"m":"Basic facts about hf_x"', '"m":"Basic facts about hf_x"'],
  ];
  for (const [line = '', expected] of cut) assert.equal(withoutSecrets(line), expected);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { normalizeName } from '@holdfast/python-index';
import { rawRequest } from './support/raw-request.ts';
import { serveMemory } from './support/served.ts';
import { basic, upload } from './support/upload.ts';
import { makeSdist, makeWheel } from './support/wheel.ts';

test('every answer forbids sniffing, framing and scripts, and carries an id that the log has too', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const { url } = await serveMemory(t, { logger });
  const ids = new Set<string>();
  for (const path of [
    '/',
    '/simple/',
    '/simple/none/',
    '/files/x',
    '/metadata/x',
    '/healthz',
    '/readyz',
    '/nothing',
    '/legacy/',
  ]) {
    const { headers } = await rawRequest(url + path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.match(String(headers['content-security-policy']), /^default-src 'none'/, path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    ids.add(String(headers['x-request-id']));
  }
  assert.equal(ids.size, 9);
  const logged = new Set(lines.map((line) => (JSON.parse(line) as { id?: string }).id));
  for (const id of ids) assert.ok(logged.has(id), id);
});

test('credentials never reach the log', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const served = await serveMemory(t, { logger });
  served.index.tokens.set('hf_SECRET', { account: 'ann' });
  await upload({ ...served, token: 'hf_SECRET' }, makeWheel());
  await upload({ ...served, token: 'hf_SECRETWRONG' }, makeWheel());
  await rawRequest(`${served.url}/simple/?token=hf_SECRET`);
  assert.ok(lines.length > 1);
  assert.ok(!lines.join('').includes('SECRET') && !lines.join('').includes(basic('hf_SECRET').slice(6)));
});

test('the landing page says how to install and loads nothing', async (t) => {
  const { index, url } = await serveMemory(t, { publicUrl: 'https://index.example' });
  index.roles.set('root', Buffer.from('root'));
  const response = await fetch(`${url}/`);
  const text = await response.text();
  assert.match(
    text,
    /holdfast trust add example https:\/\/index\.example --fingerprint 4813494d137e1631bba301d5acab6e7b/,
  );
  assert.doesNotMatch(text, /<script|src=/);
  assert.match(response.headers.get('content-security-policy') ?? '', /style-src 'sha256-/);
});

test('header fields too long or too many are cut off with 431', async (t) => {
  const { url } = await serveMemory(t);
  const huge = await rawRequest(`${url}/simple/`, { headers: { 'x-bomb': 'x'.repeat(20_000) } });
  assert.equal(huge.status, 431);
  const many = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`x-${i}`, 'y'.repeat(10)]));
  assert.equal((await rawRequest(`${url}/simple/`, { headers: many })).status, 431);
});

test('what is not HTTP is refused and the server goes on', async (t) => {
  const { url } = await serveMemory(t);
  const { hostname, port } = new URL(url);
  for (const bytes of [
    '\0\0\0\0\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET  HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET * HTTP/1.1\r\n\r\n',
  ]) {
    const socket = connect(Number(port), hostname);
    socket.end(bytes);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 4/, JSON.stringify(bytes));
    socket.destroy();
  }
  assert.equal((await rawRequest(`${url}/simple/`)).status, 200);
});

test('an error of ours shows the client an id and the log the reason', async (t) => {
  const lines: string[] = [];
  const { index, url } = await serveMemory(t, { logger: pino({}, { write: (line: string) => lines.push(line) }) });
  index.catalog.projectPage = async () => Promise.reject(new Error('the table is damaged'));
  for (const accept of ['text/html', 'application/json']) {
    const response = await rawRequest(`${url}/simple/demo/`, { headers: { accept } });
    assert.equal(response.status, 500);
    assert.doesNotMatch(response.body.toString(), /damaged/);
    assert.ok(
      lines.some(
        (line) => line.includes('the table is damaged') && line.includes(String(response.headers['x-request-id'])),
      ),
    );
  }
});

test('programs are told what is wrong as problem details (RFC 9457)', async (t) => {
  const { url } = await serveMemory(t);
  for (const path of ['/simple/none/', '/api/v1/nothing']) {
    const response = await fetch(url + path, { headers: { accept: 'application/json' } });
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const problem = (await response.json()) as Record<string, unknown>;
    assert.equal(problem['status'], 404);
    assert.equal(problem['code'], 'NOT_FOUND');
  }
});

test('closing lets an upload under way finish, takes no new request and ends who does not come to an end', async (t) => {
  const served = await serveMemory(t, { closeMs: 300 });
  const { hostname, port } = new URL(served.url);
  const idle: Socket = connect(Number(port), hostname);
  await once(idle, 'connect');
  const stuck: Socket = connect(Number(port), hostname);
  stuck.write(`POST /legacy/ HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(served.token)}\r\n`);
  stuck.write('Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 1000\r\n\r\n');
  await once(stuck, 'connect');
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  served.index.beforePublish = async () => {
    started.resolve();
    await finish.promise;
  };
  const pending = upload(served, makeWheel());
  await started.promise;
  const closed = served.close();
  finish.resolve();
  assert.equal((await pending).status, 200);
  await closed;
  await assert.rejects(fetch(`${served.url}/simple/`));
  assert.deepEqual(await served.leftovers(), []);
  for (const socket of [idle, stuck]) socket.destroy();
});

test('closing ends with the last answer, although its connection could be used again', async (t) => {
  const served = await serveMemory(t, { closeMs: 60_000 });
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  served.index.beforePublish = async () => {
    started.resolve();
    await finish.promise;
  };
  const pending = upload(served, makeWheel());
  await started.promise;
  const closed = served.close();
  finish.resolve();
  assert.equal((await pending).status, 200);
  await closed;
});

test('a project member yanks a release or files with a reason, and takes it back (PEP 592)', async (t) => {
  const served = await serveMemory(t);
  for (const file of [makeWheel(), makeSdist(), makeWheel({ version: '2.0' })]) await upload(served, file);
  const post = async (body: unknown, token = served.token): Promise<Response> =>
    fetch(`${served.url}/api/v1/projects/Demo/yank`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const yanked = (): (string | boolean | undefined)[] =>
    (served.index.files.get(normalizeName('demo')) ?? []).map((file) => file.yanked);

  const response = await post({ version: '1', yanked: true, reason: 'broken' });
  assert.equal(response.status, 200);
  assert.deepEqual(yanked(), ['broken', 'broken', undefined]);
  assert.equal((await post({ filenames: [makeSdist().filename], yanked: false })).status, 200);
  assert.deepEqual(yanked(), ['broken', undefined, undefined]);

  const code = async (answer: Promise<Response>): Promise<unknown> =>
    ((await (await answer).json()) as { code: string }).code;
  assert.equal(await code(post({ version: '9', yanked: true })), 'RELEASE_UNKNOWN');
  assert.equal(await code(post({ filenames: ['x-1.0.tar.gz'], yanked: true })), 'FILE_UNKNOWN');
  assert.equal(await code(post({ yanked: true })), 'INVALID_REQUEST');
  assert.equal(await code(post({ version: '1', yanked: true, more: 1 })), 'INVALID_REQUEST');
  assert.equal(await code(post('{')), 'NOT_JSON');
  assert.equal(await code(post(`"${'x'.repeat(300_000)}"`)), 'TOO_LARGE');
  assert.equal(await code(post({ version: '1', yanked: true }, 'wrong')), 'CREDENTIALS_WRONG');
  served.index.tokens.set('bob', { account: 'bob' });
  assert.equal(await code(post({ version: '1', yanked: true }, 'bob')), 'NOT_YOUR_PROJECT');
  assert.deepEqual(yanked(), ['broken', undefined, undefined]);
});

test('twenty API requests broken off in their body leave the server well and the log quiet', async (t) => {
  const lines: string[] = [];
  const served = await serveMemory(t, {
    logger: pino({ level: 'error' }, { write: (line: string) => lines.push(line) }),
  });
  const { hostname, port } = new URL(served.url);
  for (let i = 0; i < 20; i += 1) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(`POST /api/v1/projects/demo/yank HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${served.token}\r\n`);
    socket.write(`Content-Length: 1000\r\n\r\n${'{'.repeat(i * 10)}`);
    await once(socket, 'connect');
    await new Promise(setImmediate);
    socket.resetAndDestroy();
  }
  assert.equal((await rawRequest(`${served.url}/simple/`)).status, 200);
  await served.close();
  assert.deepEqual(lines, []);
});

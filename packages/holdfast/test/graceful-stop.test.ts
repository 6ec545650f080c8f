import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { basic, upload } from '../../index/test/support/upload.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { holdfast, started } from './holdfast.ts';

const UPLOADERS = 12;
const READY = /Serving at (http:\S+)\n/;

/** What an uploader heard: a status and a sentence, or that the connection broke. */
type Heard = { readonly status: number; readonly text: string } | 'broken';

const servers = new Set<{ kill(signal: 'SIGKILL'): boolean }>();
after(() => {
  for (const server of servers) server.kill('SIGKILL');
});

async function serving(directory: string, ...options: string[]): ReturnType<typeof started> {
  const server = await started(directory, ['serve', 'index', '--port', '0', ...options], READY);
  servers.add(server.child);
  return server;
}

async function makeIndex(directory: string): Promise<string> {
  assert.equal((await holdfast(directory, ['init', 'index', '--offline-keys', 'offline'])).code, 0);
  assert.equal((await holdfast(directory, ['account', 'create', 'index', 'ann'])).code, 0);
  return (await holdfast(directory, ['token', 'create', 'index', 'ann'])).out.trim();
}

async function filesOf(url: string): Promise<Set<string>> {
  const response = await fetch(`${url}/simple/demo/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
  const { files } = (await response.json()) as { files: { filename: string }[] };
  return new Set(files.map(({ filename }) => filename));
}

test('SIGTERM under load: every uploader is told the truth, nothing acknowledged is lost, and the exit code is 0', async (t) => {
  const directory = await temporaryDirectory(t, 'graceful-stop');
  const token = await makeIndex(directory);
  const { child, found: url, end } = await serving(directory);
  const heard = new Map<string, Heard>();
  const enough = Promise.withResolvers<void>();
  const stopped = new AbortController();
  let next = 0;
  const uploader = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const wheel = makeWheel({ version: `${(next += 1)}.0` });
      try {
        const answer = await upload({ url, token }, wheel);
        heard.set(wheel.filename, { status: answer.status, text: await answer.text() });
      } catch {
        heard.set(wheel.filename, 'broken');
        if (stopped.signal.aborted) return;
      }
      if (heard.size >= 3 * UPLOADERS) enough.resolve();
    }
  };
  const uploaders = Array.from({ length: UPLOADERS }, uploader);
  await enough.promise;
  const began = performance.now();
  child.kill('SIGTERM');
  const { code, err } = await end;
  stopped.abort();
  await Promise.all(uploaders);
  assert.equal(code, 0, err);
  assert.ok(performance.now() - began < 15_000);
  for (const answer of heard.values()) {
    if (answer === 'broken') continue; // A connection that was made after the server took no more.
    const told = answer.status === 200 || (answer.status === 503 && /signed yet|restarted/.test(answer.text));
    assert.ok(told, JSON.stringify(answer));
  }
  const again = await serving(directory);
  const files = await filesOf(again.found);
  const acknowledged = [...heard].filter(([, answer]) => answer !== 'broken' && answer.status === 200);
  assert.ok(acknowledged.length >= UPLOADERS);
  assert.deepEqual(
    acknowledged.map(([filename]) => filename).filter((filename) => !files.has(filename)),
    [],
  );
  again.child.kill('SIGTERM');
  assert.equal((await again.end).code, 0);
});

test('while it drains, serve is not ready and goes on answering; a second signal ends it at once', async (t) => {
  const directory = await temporaryDirectory(t, 'graceful-drain');
  const token = await makeIndex(directory);
  const { child, found: url, end } = await serving(directory, '--drain', '60s');
  const ready = async (): Promise<number> => (await fetch(`${url}/readyz`)).status;
  assert.equal(await ready(), 200);
  // An upload that never ends keeps the server from ending by itself.
  const { hostname, port } = new URL(url);
  const stuck = connect(Number(port), hostname);
  stuck.on('error', () => {});
  stuck.write(`POST /legacy/ HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(token)}\r\n`);
  stuck.write('Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 1000\r\n\r\n--X');
  await once(stuck, 'connect');
  child.kill('SIGTERM');
  while ((await ready()) !== 503); // The signal is on its way.
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const wheel = makeWheel();
  assert.equal((await upload({ url, token }, wheel)).status, 200);
  assert.ok((await filesOf(url)).has(wheel.filename));
  child.kill('SIGTERM');
  await end;
  assert.equal(child.signalCode, 'SIGTERM');
  stuck.destroy();
});

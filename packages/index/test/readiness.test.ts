import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startServer } from '../src/index.ts';
import { type Health, Unready } from '../src/http/health.ts';
import { FaultyStore } from './support/faulty-store.ts';
import { makeIndex, openBare, uploadBare } from './support/bare-index.ts';
import { rawRequest } from './support/raw-request.ts';
import { serveIndex } from './support/served-index.ts';
import { serveMemory } from './support/served.ts';

async function ready(url: string): Promise<{ status: number; health: Health }> {
  const { status, body } = await rawRequest(`${url}/readyz`);
  return { status, health: JSON.parse(body.toString()) as Health };
}

let ahead = 0;

/** Past the second for which an answer is good. */
async function readyLater(t: TestContext, url: string): Promise<{ status: number; health: Health }> {
  const now = performance.now();
  ahead += 10_000;
  const clock = t.mock.method(performance, 'now', () => now + ahead);
  try {
    return await ready(url);
  } finally {
    clock.mock.restore();
  }
}

test('an index that works is ready, and says what it looked at', async (t) => {
  const { url } = await serveIndex(t);
  const { status, health } = await ready(url);
  assert.equal(status, 200, JSON.stringify(health));
  assert.deepEqual(Object.keys(health.checks), ['metadata', 'records', 'objects', 'signing', 'waiting', 'disk']);
  assert.match(health.checks['metadata']?.detail ?? '', /^timestamp expires first, in 24 h$/);
  assert.match(health.checks['objects']?.detail ?? '', /^readable, timestamp version \d+$/);
  assert.match(health.checks['disk']?.detail ?? '', /^\d+ MiB free for uploads$/);
});

test('an index is not ready when the timestamp is about to expire, expired, is older than published, or gone', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000; // Expiry is signed in whole seconds.
  const clock = (): Date => new Date(now);
  const made = await makeIndex(t, { clock });
  const objects = await FaultyStore.open(made.directory);
  const index = await openBare(made.directory, { objects, clock });
  await uploadBare(index, 'demo', '1');
  const old = await objects.get('metadata/timestamp.json', { maxLength: 100_000 });
  await uploadBare(index, 'demo', '2');
  const server = await startServer(index, { host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const failing = async (): Promise<string> => {
    const { status, health } = await readyLater(t, server.url);
    const failed = Object.entries(health.checks).filter(([, { ok }]) => !ok);
    assert.equal(status, failed.length === 0 ? 200 : 503);
    return failed.map(([name, { detail }]) => `${name}: ${detail}`).join('; ');
  };
  assert.equal(await failing(), '');
  const timestamp = join(made.directory, 'objects/metadata/timestamp.json');
  await writeFile(timestamp, old ?? '');
  assert.match(await failing(), /^objects: the object store holds timestamp \d+, and \d+ is published$/);
  await rm(timestamp);
  assert.equal(await failing(), 'objects: the object store holds no timestamp');
  await writeFile(timestamp, '{');
  assert.equal(await failing(), 'objects: cannot be used; see the log');
  objects.fail(() => 'before'); // From here on nothing is renewed.
  now += 86_400_000 - 30_000;
  assert.match(await failing(), /metadata: timestamp expires in 30 s/);
  now += 31_000;
  assert.match(await failing(), /metadata: timestamp expired 1 s ago/);
});

test('an index is not ready while publishing fails, and is again when it worked', async (t) => {
  const { directory } = await makeIndex(t);
  const objects = await FaultyStore.open(directory);
  const index = await openBare(directory, { objects });
  const server = await startServer(index, { host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  objects.fail(() => 'before');
  await assert.rejects(uploadBare(index, 'demo', '1'));
  const { status, health } = await ready(server.url);
  assert.equal(status, 503);
  assert.match(health.checks['signing']?.detail ?? '', /^publishing fails since \d{4}-.*; it is tried again$/);
  objects.fail(() => undefined);
  await index.catchUp();
  assert.equal((await readyLater(t, server.url)).status, 200);
});

test('an index is not ready when a change has waited long for whoever signs', async (t) => {
  const { index, url } = await serveIndex(t);
  await uploadBare(index, 'demo', '1');
  await index.records.write((db) =>
    db
      .insertInto('changes')
      .values({
        kind: 'yank',
        filename: 'demo-1-py3-none-any.whl',
        reason: '',
        account: 'ann',
        recorded_at: Date.now() - 300_000,
        publication: null,
      })
      .execute(),
  );
  const { health } = await ready(url);
  assert.equal(health.checks['signing']?.detail, 'a change has waited for its signature for 5 min');
});

test('an index is not ready when the largest upload has no room', async (t) => {
  const { url } = await serveIndex(t, { uploads: { fileBytes: 2 ** 52 } });
  const { status, health } = await ready(url);
  assert.equal(status, 503);
  assert.match(health.checks['disk']?.detail ?? '', /MiB free for uploads, less than one may have$/);
});

test('many who ask at once cost one look; a probe that hangs is not started twice; errors stay in the log', async (t) => {
  const { index, url } = await serveMemory(t);
  let looks = 0;
  index.probes.set('slow', async () => {
    looks += 1;
    await new Promise(setImmediate);
    return 'fine';
  });
  const now = performance.now();
  const still = t.mock.method(performance, 'now', () => now); // On a slow machine they take longer than the second.
  const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await ready(url)).status));
  still.mock.restore();
  assert.deepEqual([new Set(statuses), looks], [new Set([200]), 1]);
  await readyLater(t, url);
  assert.equal(looks, 2);

  const other = await serveMemory(t);
  let hanging = 0;
  const begun = Promise.withResolvers<void>();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  other.index.probes.set('hangs', () => {
    hanging += 1;
    begun.resolve();
    return new Promise(() => {});
  });
  other.index.probes.set('breaks', async () => Promise.reject(new Error('the disk of rack 7 is gone')));
  other.index.probes.set('tells', async () => Promise.reject(new Unready('the cupboard is bare')));
  for (let round = 0; round < 2; round += 1) {
    const answer = round === 0 ? ready(other.url) : readyLater(t, other.url);
    await begun.promise;
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    t.mock.timers.tick(3_000);
    const { status, health } = await answer;
    assert.equal(status, 503);
    assert.deepEqual(health.checks['hangs'], { ok: false, detail: 'does not answer' });
    assert.deepEqual(health.checks['breaks'], { ok: false, detail: 'cannot be used; see the log' });
    assert.deepEqual(health.checks['tells'], { ok: false, detail: 'the cupboard is bare' });
  }
  assert.equal(hanging, 1);
});

test('a process lives while it answers, whatever else is broken', async (t) => {
  const { index, url } = await serveMemory(t);
  index.probes.set('everything', async () => Promise.reject(new Error('gone')));
  assert.equal((await ready(url)).status, 503);
  const { status, body } = await rawRequest(`${url}/healthz`);
  assert.deepEqual([status, body.toString()], [200, '{"ok":true}']);
});

test('a server that stops is not ready first, goes on answering for a while, and then takes no more', async (t) => {
  const { url, close } = await serveMemory(t, { drainMs: 400 });
  assert.equal((await ready(url)).status, 200);
  const closed = close();
  const { status, health } = await ready(url);
  assert.deepEqual([status, health.checks], [503, { serving: { ok: false, detail: 'stopping' } }]);
  const page = await rawRequest(`${url}/simple/`);
  assert.deepEqual([page.status, page.headers.connection], [200, 'close']);
  await closed;
  await assert.rejects(rawRequest(`${url}/simple/`), { code: 'ECONNREFUSED' });
});

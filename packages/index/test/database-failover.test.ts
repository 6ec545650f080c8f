import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { clientOf, listed } from './support/bare-index.ts';
import { proxyPostgres } from './support/postgres-proxy.ts';
import { startPostgres } from './support/postgres-server.ts';
import { serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const postgres = await startPostgres();
after(() => postgres.stop());

/** As an operator sets it who wants to know soon; otherwise it is 30 and 45 s. */
const IMPATIENT = '?statement_timeout=1500&query_timeout=2000';
/** Milliseconds until every connection of a process must have been given up. */
const GIVEN_UP_MS = 30_000;

test('connections that fell silent, as when the database moved to another machine, are given up for new ones', async (t) => {
  const { location, strand } = await proxyPostgres(t, postgres.database('moved'));
  const served = await serveIndex(t, {}, { stores: { records: location + IMPATIENT } });
  const send = async (version: string): Promise<number> => (await upload(served, makeWheel({ version }))).status;
  assert.equal(await send('1.0'), 200);
  // So that all readers have their connection.
  await Promise.all(Array.from({ length: 20 }, () => fetch(`${served.url}/simple/demo/`)));
  const stranded = performance.now();
  strand();
  const answers: number[] = [];
  const ready = async (): Promise<string> => (await fetch(`${served.url}/readyz`)).text();
  for (let version = 2; answers.at(-1) !== 200; version++) {
    answers.push(await send(`${version}.0`));
    assert.ok(performance.now() - stranded < GIVEN_UP_MS, `${answers.join()}: ${await ready()}`);
  }
  assert.deepEqual(new Set(answers), new Set([503, 200]));
  while (!(await ready()).startsWith('{"ok":true')) {
    assert.ok(performance.now() - stranded < GIVEN_UP_MS, await ready());
    await wait(100); // It looks once a second by itself; nothing tells of a change.
  }
  t.diagnostic(
    `${answers.length} uploads until one was published, ready after ${Math.round(performance.now() - stranded)} ms`,
  );
  assert.equal(await send('100.0'), 200);
  const client = clientOf(served);
  await client.refresh();
  const files = await listed(client, 'demo');
  for (const version of ['1.0', `${answers.length + 1}.0`, '100.0'])
    assert.ok(files.has(makeWheel({ version }).filename));
});

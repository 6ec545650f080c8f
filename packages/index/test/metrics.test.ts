import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompiledQuery } from 'kysely';
import { startMetricsServer } from '../src/index.ts';
import { claimsWaiting, filesStaged, first, queue, soonest, transactionsWaiting } from '../src/index-gauges.ts';
import { Metrics } from '../src/metrics.ts';
import { FaultyStore } from './support/faulty-store.ts';
import { makeIndex, openBare, uploadBare } from './support/bare-index.ts';
import { rawRequest } from './support/raw-request.ts';
import { serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

/** The value of one line of the text format. */
function value(text: string, name: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? Number.NaN : Number(line.slice(name.length + 1));
}

test('metrics tell what was published, how long it took, what waits and when metadata expires (P7)', async (t) => {
  const metrics = new Metrics();
  const served = await serveIndex(t, { observer: metrics }, { metrics });
  const server = await startMetricsServer(metrics, { host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const text = async (): Promise<string> => (await rawRequest(server.url)).body.toString();

  const before = await text();
  assert.equal(value(before, 'holdfast_changes_published_total'), 0);
  await upload(served, makeWheel());
  await upload(served, makeWheel({ version: '2.0' }));
  await rawRequest(`${served.url}/simple/demo/`);
  await rawRequest(`${served.url}/simple/demo/`);
  await rawRequest(`${served.url}/no/such/thing`);
  const after = await text();
  assert.equal(value(after, 'holdfast_changes_published_total'), 2);
  assert.equal(value(after, 'holdfast_roles'), 2);
  assert.equal(value(after, 'holdfast_tree_depth'), 0);
  assert.equal(value(after, 'holdfast_leader'), 1);
  assert.ok(value(after, 'holdfast_timestamp_version') > value(before, 'holdfast_timestamp_version'));
  for (const phase of ['intake', 'sign', 'record', 'store'])
    assert.ok(value(after, `holdfast_publish_phase_seconds_count{phase="${phase}"}`) >= 2, phase);
  for (const phase of ['receive', 'inspect', 'store', 'publish', 'whole'])
    assert.equal(value(after, `holdfast_upload_phase_seconds_count{phase="${phase}"}`), 2, phase);
  for (const [store, operation] of [
    ['objects', 'put'],
    ['records', 'select'],
    ['records', 'insert'],
    ['records', 'commit'],
  ]) {
    const name = `holdfast_store_seconds_count{store="${store}",operation="${operation}"}`;
    assert.ok(value(after, name) >= 2, name);
  }
  assert.equal(value(after, 'holdfast_http_request_seconds_count{route="/simple",status="200"}'), 2);
  assert.equal(value(after, 'holdfast_http_request_seconds_count{route="other",status="404"}'), 1);
  assert.equal(value(after, 'holdfast_cache_requests_total{cache="simple",result="miss"}'), 1);
  assert.equal(value(after, 'holdfast_cache_requests_total{cache="simple",result="hit"}'), 1);
  assert.equal(value(after, 'holdfast_uploads_receiving'), 0);
  assert.equal(value(after, 'holdfast_spool_bytes'), 0);
  assert.match(after, /^process_cpu_seconds_total /m);
  assert.match(after, /^nodejs_eventloop_lag_p99_seconds /m);
  assert.equal((await rawRequest(server.url.replace('/metrics', '/'))).status, 404);
});

test('metrics tell for each role, and for the first of the bins, how long it is still good', async (t) => {
  const metrics = new Metrics();
  await serveIndex(t, {}, { metrics });
  const { body } = await metrics.text();
  const day = 86_400;
  for (const [role, least, most] of [
    ['timestamp', 0.9 * day, day],
    ['snapshot', 6.9 * day, 7 * day],
    ['bins', 40 * day, 90 * day],
    ['root', 364 * day, 365 * day],
    ['targets', 364 * day, 365 * day],
  ] as const) {
    const left = value(body, `holdfast_expires_in_seconds{role="${role}"}`);
    assert.ok(left > least && left <= most, `${role}: ${left}`);
  }
});

test('metrics show a queue that does not move: its length, its age and the failures', async (t) => {
  let now = Date.now();
  const clock = (): Date => new Date(now);
  const { directory } = await makeIndex(t, { clock });
  const objects = await FaultyStore.open(directory);
  const metrics = new Metrics();
  const index = await openBare(directory, { objects, clock, metrics });
  objects.fail(() => 'before');
  await assert.rejects(uploadBare(index, 'demo', '1'), { code: 'PUBLISH_DELAYED' });
  await index.records.write((db) =>
    db
      .insertInto('changes')
      .values({
        kind: 'yank',
        filename: 'demo-1-py3-none-any.whl',
        reason: '',
        account: 'ann',
        recorded_at: now - 1000,
        publication: null,
      })
      .execute(),
  );
  now += 90_000;
  const { body } = await metrics.text();
  assert.equal(value(body, 'holdfast_changes_waiting'), 1);
  assert.equal(value(body, 'holdfast_oldest_change_waiting_seconds'), 91);
  assert.ok(value(body, 'holdfast_publish_failures_total') >= 1);
  assert.ok(value(body, 'holdfast_store_failures_total{store="objects",operation="put"}') >= 1);
  objects.fail(() => undefined);
  await index.catchUp();
  const later = (await metrics.text()).body;
  assert.equal(value(later, 'holdfast_changes_waiting'), 0);
  assert.equal(value(later, 'holdfast_oldest_change_waiting_seconds'), 0);
});

test('what a scrape asks of the records is read along an index, however many files there are', async (t) => {
  const { index } = await serveIndex(t);
  const db = index.records.read;
  for (const [query, along] of [
    [queue(db), /USING (COVERING )?INDEX changes_(waiting|publication)/],
    [first(db), /USING (COVERING )?INDEX changes_(waiting|publication)/],
    [soonest(db), /USING INDEX roles_expires_at/],
    [filesStaged(db), /USING (COVERING )?INDEX files_staged/],
    [transactionsWaiting(db), /USING (COVERING )?INDEX transactions_waiting/],
    [claimsWaiting(db), /claims_waiting/],
  ] as const) {
    const { sql, parameters } = query.compile();
    const { rows } = await db.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
    );
    const plan = rows.map(({ detail }) => detail).join('\n');
    assert.match(plan, along);
    assert.doesNotMatch(plan, /SCAN (changes|files|roles|transactions)$/m);
    assert.doesNotMatch(plan, /TEMP B-TREE/);
  }
});

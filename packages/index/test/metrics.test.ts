import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMetricsServer } from '../src/index.ts';
import { rawRequest } from './support/raw-request.ts';
import { serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

/** The value of one line of the text format. */
function value(text: string, name: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

test('metrics tell what was published, how long it took, what waits and when metadata expires (P7)', async (t) => {
  const told: [string, number][] = [];
  const served = await serveIndex(t, { onAnswer: ({ route, status }) => told.push([route, status]) });
  const { metrics } = served.index;
  const server = await startMetricsServer(metrics, { host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const text = async (): Promise<string> => (await rawRequest(server.url)).body.toString();

  const before = await text();
  assert.equal(value(before, 'holdfast_changes_published_total'), 0);
  await upload(served, makeWheel());
  await upload(served, makeWheel({ version: '2.0' }));
  metrics.request('/simple', 200, 0.002);
  const after = await text();
  assert.equal(value(after, 'holdfast_changes_published_total'), 2);
  assert.equal(value(after, 'holdfast_changes_waiting'), 0);
  assert.equal(value(after, 'holdfast_roles'), 2);
  for (const phase of ['sign', 'record', 'store'])
    assert.ok(value(after, `holdfast_publish_phase_seconds_count{phase="${phase}"}`) >= 2, phase);
  const day = 86_400;
  for (const [role, least, most] of [
    ['timestamp', 0.9 * day, day],
    ['snapshot', 6.9 * day, 7 * day],
    ['root', 364 * day, 365 * day],
    ['targets', 364 * day, 365 * day],
  ] as const) {
    const left = value(after, `holdfast_expires_in_seconds{role="${role}"}`);
    assert.ok(left > least && left <= most, `${role}: ${left}`);
  }
  assert.equal(value(after, 'holdfast_http_request_seconds_count{route="/simple",status="200"}'), 1);
  assert.match(after, /^process_cpu_seconds_total /m);
  assert.equal((await rawRequest(server.url.replace('/metrics', '/'))).status, 404);

  await rawRequest(`${served.url}/simple/demo/`);
  await rawRequest(`${served.url}/no/such/thing`);
  assert.deepEqual(
    told.filter(([route]) => route !== '/legacy'),
    [
      ['/simple', 200],
      ['other', 404],
    ],
  );
});

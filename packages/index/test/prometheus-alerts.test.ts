import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Metrics } from '../src/metrics.ts';
import { serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const run = promisify(execFile);
const guide = (name: string): string => fileURLToPath(new URL(`../../../docs/guides/${name}`, import.meta.url));
const metricsIn = (text: string): Set<string> => new Set(text.match(/\bholdfast_[a-z_]+[a-z]\b/g));

test('Prometheus accepts the alert rules of the guide', async () => {
  const { stdout } = await run('promtool', ['check', 'rules', guide('prometheus-alerts.yml')]);
  assert.match(stdout, /SUCCESS: \d+ rules found/);
});

test('every metric that the guide and its alerts name is there, and every one that is there is in the guide', async (t) => {
  const metrics = new Metrics();
  const served = await serveIndex(t, { observer: metrics }, { metrics });
  await upload(served, makeWheel());
  const { body } = await metrics.text();
  const told = new Set([...body.matchAll(/^# TYPE (holdfast_\w+) (\w+)$/gm)].map(([, name = '']) => name));
  const written = metricsIn(await readFile(guide('operator.md'), 'utf8'));
  assert.deepEqual([...told].sort(), [...written].sort());
  for (const name of metricsIn(await readFile(guide('prometheus-alerts.yml'), 'utf8')))
    assert.ok(told.has(name.replace(/_(bucket|count|sum)$/, '')), name);
});

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../index/test/support/tools.ts';
import { BuildLogs } from './build-logs.ts';
import type { BuildRecord } from './build-record.ts';

const record = (attempts: number): BuildRecord =>
  ({ sdist: 'ab'.repeat(32), filename: 'demo-1.0.tar.gz', attempts }) as BuildRecord;

test('keeps what a failed build said in a file named after the sdist and the try, which steers no terminal', async (t) => {
  const logs = new BuildLogs(await temporaryDirectory(t, 'logs'));
  const path = (await logs.keep(record(2), 'one\ttwo\n\u001b[2Jthree\r\u202efour\u0007')) ?? '';
  assert.equal(basename(path), 'demo-1.0.tar.gz-abababababab-try-2.log');
  assert.equal(await readFile(path, 'utf8'), 'one\ttwo\n\ufffd[2Jthree\ufffd\ufffdfour\ufffd');
  assert.equal(await logs.keep(record(3), ''), undefined);
});

test('keeps the newest 200', async (t) => {
  const logs = new BuildLogs(await temporaryDirectory(t, 'logs'));
  for (let attempt = 1; attempt <= 203; attempt++) await logs.keep(record(attempt), `log ${attempt}`);
  const names = await readdir(logs.directory);
  assert.equal(names.length, 200);
  assert.ok(names.includes('demo-1.0.tar.gz-abababababab-try-203.log'));
  assert.ok(!names.includes('demo-1.0.tar.gz-abababababab-try-1.log'));
});

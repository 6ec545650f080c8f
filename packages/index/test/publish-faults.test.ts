import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { PublishDelayedError, RecordsError, StorageFullError } from '../src/errors.ts';
import { makeIndex, makeIndexIn, newFile, openBare, uploadBare, verifiedFiles } from './support/bare-index.ts';
import { type Fault, FaultyStore } from './support/faulty-store.ts';

for (const fault of ['before', 'after'] satisfies Fault[]) {
  test(`whichever put of a publish fails ${fault} writing, the upload is delayed, not lost, doubled or changed (P10)`, async (t) => {
    const made = await makeIndex(t);
    const objects = await FaultyStore.open(made.directory);
    const index = await openBare(made.directory, { objects });
    let last = 0;
    for (let n = 1; ; n++) {
      objects.fail((put) => (put === n ? fault : undefined));
      const file = newFile('faulty', `${n}.0`);
      const outcome = await index.publisher.publish(file).catch((error: unknown) => error);
      if (objects.puts < n) break; // It went through: there is no put left to fail.
      last = n;
      assert.ok(outcome instanceof PublishDelayedError, String(outcome));
      objects.fail(() => undefined);
      assert.equal((await index.publisher.publish(file)).outcome, 'already-published');
      const files = await verifiedFiles(made, 'faulty');
      assert.deepEqual([files.size, files.get(file.filename)], [n, file.sha256]);
    }
    assert.equal(last, 3, 'unclaimed, snapshot and timestamp were put');
    assert.deepEqual(objects.complaints, []);
  });

  test(`a publish whose n-th put failed ${fault} writing is finished, with the same bytes, by the next process (P10)`, async (t) => {
    const made = await makeIndex(t);
    const objects = await FaultyStore.open(made.directory);
    for (let n = 1; n <= 3; n++) {
      const index = await openBare(made.directory, { objects });
      const file = newFile('restarted', `${n}.0`);
      objects.fail((put) => (put === n ? fault : undefined));
      await assert.rejects(index.publisher.publish(file), PublishDelayedError);
      objects.fail(() => undefined);
      await index.close();
      await (await openBare(made.directory, { objects })).close();
      assert.equal((await verifiedFiles(made, 'restarted')).get(file.filename), file.sha256);
    }
    assert.deepEqual(objects.complaints, []);
  });
}

test('uploads that come while the store is full are delayed together and all signed when there is room again', async (t) => {
  const made = await makeIndex(t);
  const objects = await FaultyStore.open(made.directory);
  const index = await openBare(made.directory, { objects });
  objects.fail(
    () => 'before',
    () => new StorageFullError(),
  );
  const files = Array.from({ length: 20 }, (_, i) => newFile('full', `${i}.0`));
  const outcomes = await Promise.allSettled(files.map((file) => index.publisher.publish(file)));
  for (const outcome of outcomes) {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof PublishDelayedError);
    assert.ok(outcome.reason.cause instanceof StorageFullError);
  }
  objects.fail(() => undefined);
  await index.catchUp();
  assert.equal((await verifiedFiles(made, 'full')).size, 20);
  assert.equal((await index.catalog.projectPage(newFile('full', '1.0').project))?.files.length, 20);
  assert.deepEqual(objects.complaints, []);
});

test('on a disk that is really full nothing acknowledged is lost, and publishing goes on when there is room', async (t) => {
  const disk = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  const run = promisify(execFile);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]).then(
    () => true,
    () => false,
  );
  t.after(async () => {
    if (mounted) await run('umount', ['-l', disk]);
    await rm(disk, { recursive: true, force: true });
  });
  if (!mounted) return t.skip('only root may mount a small disk');
  const made = await makeIndexIn(join(disk, 'index'));
  const index = await openBare(made.directory);
  try {
    await writeFile(join(disk, 'filler'), new Uint8Array(2_000_000));
    const acknowledged = new Map<string, string>();
    const refusals: unknown[] = [];
    for (let i = 0; refusals.length === 0 && i < 500; i++) {
      const file = newFile('disk', `${i}.0`);
      const padding = 'x'.repeat(20_000);
      await uploadBare(index, 'disk', `${i}.0`, `${i}${padding}`).then(
        () => acknowledged.set(file.filename, newFile('disk', `${i}.0`, `${i}${padding}`).sha256),
        (error: unknown) => refusals.push(error),
      );
    }
    const [refusal] = refusals;
    assert.ok(refusal instanceof StorageFullError || refusal instanceof PublishDelayedError, String(refusal));
    assert.ok(acknowledged.size >= 20);
    // Facts alone still fit for a while; then the records are full too.
    const full: unknown[] = [];
    for (let i = 0; full.length === 0 && i < 400; i++) {
      await index.publisher.publish(newFile('records', `${i}.0`)).catch((error: unknown) => full.push(error));
    }
    for (const error of full) {
      const known = [StorageFullError, PublishDelayedError, RecordsError].some((kind) => error instanceof kind);
      assert.ok(known, String(error));
    }
    await rm(join(disk, 'filler'));
    await index.catchUp();
    const after = await uploadBare(index, 'disk', '1000.0');
    assert.equal(after.outcome, 'published');
    const files = await verifiedFiles(made, 'disk');
    for (const [filename, sha256] of acknowledged) assert.equal(files.get(filename), sha256, filename);
  } finally {
    await index.close();
  }
});

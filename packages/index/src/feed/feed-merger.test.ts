import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChunkEncoder, feedPath, type RoleEntry } from '@holdfast/trust';
import { pino } from 'pino';
import { DamagedIndexError } from '../errors.ts';
import { DirectoryStore } from '../objects/directory-store.ts';
import { openRecords } from '../stores.ts';
import { putChunk } from './feed-objects.ts';
import { type FeedParts, mergeFeed } from './feed-merger.ts';
import { feedProgress, noteBeginning, noteMerged } from './feed-table.ts';

async function makeParts(t: TestContext): Promise<FeedParts & { directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-feed-'));
  const records = await openRecords(directory, {});
  t.after(async () => {
    await records.close();
    await rm(directory, { recursive: true });
  });
  return { directory, records, objects: await DirectoryStore.open(directory), logger: pino({ level: 'silent' }) };
}

/** The parts of the chunk of a publication that changes three roles, at most so many bytes each. */
function partsOf(last: number, limit?: number): Uint8Array[] {
  const head = { level: 0, last, begins: 1, root: '0'.repeat(64), rootVersion: 0, snapshotVersion: 0 };
  const encoder = new ChunkEncoder(head, limit);
  const entries = ['0', '1', '2'].map((digit): RoleEntry => {
    return { role: `unclaimed.${digit}`, version: last, length: 100, sha256: last.toString(16).padStart(64, '0') };
  });
  return [...entries.flatMap((entry) => encoder.add({ role: entry.role, entry })), encoder.finish()];
}

async function publishedUpTo({ records }: FeedParts, id: number): Promise<void> {
  const row = { id, snapshot: 1, lists: id, prepared_at: 0, published_at: 0 };
  await records.write((db) => db.insertInto('publications').values(row).execute());
}

test('chunks are removed, with all their parts, when 4096 of their level follow them, and not before', async (t) => {
  const parts = await makeParts(t);
  await noteBeginning(parts.records, 1);
  await noteMerged(parts.records, { begins: 1, merged: 4_095 });
  await publishedUpTo(parts, 4_107);
  for (let last = 1; last < 16; last++) await putChunk(parts.objects, { level: 0, last }, partsOf(last, 150));
  for (let last = 4_096; last < 4_112; last++) await putChunk(parts.objects, { level: 0, last }, partsOf(last));
  assert.notEqual(await parts.objects.get(feedPath({ level: 0, last: 3 }, 1), { maxLength: 1_000 }), undefined);
  await mergeFeed(parts);
  const left = await readdir(join(parts.directory, 'objects', 'feed', '0'));
  assert.deepEqual(
    [...new Set(left.map((name) => Number.parseInt(name, 10)))].sort((a, b) => a - b),
    [12, 13, 14, 15, ...Array.from({ length: 16 }, (_, index) => 4_096 + index)],
  );
  assert.deepEqual((await readdir(join(parts.directory, 'objects', 'feed', '1'))).sort(), [
    '4099.0',
    '4103.0',
    '4107.0',
  ]);
  assert.equal((await feedProgress(parts.records))?.merged, 4_107);
});

test('merging stops between two turns when it is told to, and goes on where it stopped', async (t) => {
  const parts = await makeParts(t);
  await noteBeginning(parts.records, 1);
  await publishedUpTo(parts, 7);
  for (let last = 1; last < 8; last++) await putChunk(parts.objects, { level: 0, last }, partsOf(last));
  await assert.rejects(mergeFeed(parts, AbortSignal.abort()), { name: 'AbortError' });
  assert.equal((await feedProgress(parts.records))?.merged, 0);
  await mergeFeed(parts);
  assert.deepEqual((await readdir(join(parts.directory, 'objects', 'feed', '1'))).sort(), ['3.0', '7.0']);
});

test('a chunk is put again with the same bytes, and never with others', async (t) => {
  const { objects } = await makeParts(t);
  await putChunk(objects, { level: 0, last: 5 }, partsOf(5));
  await putChunk(objects, { level: 0, last: 5 }, partsOf(5));
  await assert.rejects(putChunk(objects, { level: 0, last: 5 }, partsOf(6)), DamagedIndexError);
});

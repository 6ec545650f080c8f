import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import type { Kysely, KyselyPlugin } from 'kysely';
import { Deltas } from './deltas.ts';
import { DICTIONARIES } from './publish/sweep.ts';
import { SqliteRecords } from './records/sqlite-records.ts';
import type { Database } from './records/schema.ts';

const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

/** Records in which a role had this many versions before the current one, and how often they were asked. */
async function records(t: TestContext, versions: number): Promise<{ read: Kysely<Database>; asked: () => number }> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-deltas-'));
  const opened = await SqliteRecords.open(join(directory, 'records.sqlite'));
  t.after(async () => {
    await opened.close();
    await rm(directory, { recursive: true });
  });
  const rows = Array.from({ length: versions }, (_, at) => ({
    role: 'unclaimed',
    version: at + 1,
    sha256: sha256(`version ${at + 1}`),
    publication: at + 2,
  }));
  await opened.write((db) => db.insertInto('replaced').values(rows).execute());
  let asked = 0;
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      asked++;
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return { read: opened.read.withPlugin(plugin), asked: () => asked };
}

test('the newest version that the asker holds is the dictionary, of the last few only', async (t) => {
  const versions = DICTIONARIES + 4;
  const deltas = new Deltas(await records(t, versions));
  const find = (version: number, ...held: number[]): Promise<{ version: number } | undefined> => {
    const digests = held.map((each) => sha256(`version ${each}`));
    return deltas.dictionary('unclaimed', version, (digest) => digests.includes(digest));
  };
  assert.equal((await find(versions + 1, versions, versions - 2))?.version, versions);
  assert.equal((await find(versions + 1, versions - DICTIONARIES + 1))?.version, versions - DICTIONARIES + 1);
  assert.equal(await find(versions + 1, versions - DICTIONARIES), undefined);
  // Who asks about an older snapshot may hold what came later.
  assert.equal((await find(3, 2, 5))?.version, 2);
  assert.equal(await find(3, 5), undefined);
});

test('whatever askers say that they hold, the records are asked once for each version of a role', async (t) => {
  const counted = await records(t, 3);
  const deltas = new Deltas(counted);
  for (let at = 0; at < 1_000; at++)
    assert.equal(await deltas.dictionary('unclaimed', 4, (digest) => digest.startsWith(sha256(`${at}`))), undefined);
  assert.equal(counted.asked(), 1);
});

test('a delta is made once, and not at all where it saves too little or a version is gone', async (t) => {
  const deltas = new Deltas(await records(t, 3));
  const before = Buffer.from(Array.from({ length: 100 }, (_, at) => sha256(`${at}`)).join());
  const after = Buffer.concat([before, Buffer.from(sha256('one more'))]);
  let reads = 0;
  const files = new Map<number, Uint8Array>([
    [1, Buffer.from('nothing alike')],
    [3, before],
    [4, after],
  ]);
  const delta = (version: number): Promise<Uint8Array | undefined> =>
    deltas.delta('unclaimed', 4, { version, sha256: '' }, async (each) => {
      reads++;
      return files.get(each);
    });
  const made = (await delta(3)) ?? assert.fail();
  assert.ok(made.length < 120, `${made.length} bytes`);
  assert.deepEqual(zstdDecompressSync(made, { dictionary: before }), after);
  assert.equal(await delta(3), made);
  assert.equal(reads, 2);
  assert.equal(await delta(1), undefined);
  assert.equal(await delta(2), undefined);
});

test('all of a large dictionary is used, and a flat snapshot is not worked on twice at a time', async (t) => {
  const deltas = new Deltas(await records(t, 1));
  // As a flat snapshot lists roles; level 9 by itself looks at the last 32 MiB.
  const line = (at: number, version: number): string => `"unclaimed.${at.toString(16)}.json":{"version":${version}}`;
  const versions = Array.from({ length: 1_000_000 }, (_, at) => (at * 7_919) % 57);
  const snapshot = (): Buffer => Buffer.from(versions.map((version, at) => line(at, version)).join());
  const before = snapshot();
  for (let at = 0; at < 100; at++) versions[at * 1_000] = 58;
  const after = snapshot();
  assert.ok(before.length > 34 << 20);
  let reading = 0;
  const read = async (version: number): Promise<Uint8Array> => {
    assert.ok(++reading <= 2, 'the second waits for the first, and finds it made');
    return version === 1 ? before : after;
  };
  const ask = (): Promise<Uint8Array | undefined> => deltas.delta('snapshot', 2, { version: 1, sha256: '' }, read);
  const [first = assert.fail(), second] = await Promise.all([ask(), ask()]);
  assert.equal(first, second);
  assert.ok(first.length < 100_000, `${first.length} bytes`);
  assert.ok(zstdDecompressSync(first, { dictionary: before }).equals(after));
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { type ApplyDelta, decodeFile } from '@holdfast/trust';
import { CodedFiles, type RoleVersion } from './coded-files.ts';

const hex = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
const applyDelta: ApplyDelta = (frame, dictionary, maxLength) =>
  zstdDecompressSync(frame, { dictionary, maxOutputLength: maxLength });

/** A file that counts how often it is read. */
function source(bytes: Uint8Array): RoleVersion & { read: () => Promise<Uint8Array>; reads: number } {
  const made = {
    role: 'unclaimed',
    version: 1,
    sha256: hex(bytes),
    reads: 0,
    read: async () => {
      made.reads++;
      return bytes;
    },
  };
  return made;
}

const role = (count: number): Buffer =>
  Buffer.from(
    JSON.stringify(Array.from({ length: count }, (_, at) => ({ length: at, sha256: hex(`${count}-${at}`) }))),
  );

test('files small and large are coded so that a reader has them again, with the base and without', async () => {
  const coded = new CodedFiles();
  const base = source(role(3));
  for (const file of [source(role(0)), source(role(40)), source(role(5_000))]) {
    const bytes = await file.read();
    for (const other of [undefined, base]) {
      const made = (await coded.get(file, other)) ?? assert.fail();
      const known = (await other?.read()) ?? new Uint8Array();
      assert.deepEqual(Buffer.from(decodeFile(made, known, bytes.length, applyDelta)), bytes);
      assert.equal(made.buffer.byteLength, made.length, 'no larger memory is kept for it');
    }
  }
});

test('a file is coded once, also for those who ask at the same time; for another base again', async () => {
  const coded = new CodedFiles();
  const [file, base, other] = [source(role(2_000)), source(role(3)), source(role(4))];
  const asked = await Promise.all(Array.from({ length: 5 }, async () => coded.get(file, base)));
  assert.equal(new Set(asked).size, 1);
  assert.equal(await coded.get(file, base), asked[0]);
  assert.equal(file.reads, 1);
  assert.deepEqual(coded.counts, { hits: 1, misses: 5 });
  await coded.get(file, other);
  await coded.get(file, undefined);
  assert.equal(file.reads, 3);
});

test('one that cannot be read fails for who asks, one whose base is gone is none; both are tried again later', async () => {
  const coded = new CodedFiles();
  const file = source(role(3));
  const broken = { ...file, read: () => Promise.reject(new Error('the store is away')) };
  await assert.rejects(async () => coded.get(broken, undefined), /away/);
  assert.ok(await coded.get(file, undefined));
  const base = source(role(2));
  assert.equal(await coded.get(file, { ...base, read: () => Promise.resolve(undefined) }), undefined);
  assert.ok(await coded.get(file, base));
});

test('a large file is coded against all of another one', async () => {
  const lines = Array.from({ length: 60_000 }, (_, at) => `${hex(`${at}`)}\n`);
  const before = Buffer.from(lines.join(''));
  const after = Buffer.from(
    lines
      .with(100, `${hex('changed')}\n`)
      .with(50_000, '')
      .join(''),
  );
  const made = (await new CodedFiles().get(source(after), source(before))) ?? assert.fail();
  assert.ok(made.length < 2_000, `${made.length} bytes for ${after.length}`);
});

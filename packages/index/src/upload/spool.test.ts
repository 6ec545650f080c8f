import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { StorageFullError } from '../errors.ts';
import { Spool } from './spool.ts';

let directory: string;
let count = 0;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-spool-'));
});
after(() => rm(directory, { recursive: true }));

function newSpool(): Spool {
  return new Spool(async () => {
    count += 1;
    const path = join(directory, `${count}`);
    return { path, discard: () => rm(path, { force: true }) };
  });
}

test('what was appended is what is read, small or large, from anywhere, and nothing is left', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat({ max: 700_000 }), fc.nat({ max: 100_000 }), async (lengths, offset, length) => {
      const spool = newSpool();
      const whole = randomBytes(lengths.reduce((sum, size) => sum + size, 0));
      let at = 0;
      for (const size of lengths) await spool.append(whole.subarray(at, (at += size)));
      assert.equal(spool.size, whole.length);
      assert.ok(whole.subarray(offset, offset + length).equals(await spool.read(offset, length)));
      const source = await spool.source();
      assert.ok(whole.equals('file' in source ? await readFile(source.file) : source));
      assert.equal('file' in source, whole.length > 256 * 1024);
      await spool.discard();
      assert.deepEqual(await readdir(directory), []);
    }),
    { numRuns: 40 },
  );
});

test('a spool that is thrown away in the middle leaves no file', async () => {
  const spool = newSpool();
  await spool.append(Buffer.alloc(300_000));
  assert.equal((await readdir(directory)).length, 1);
  await spool.discard();
  assert.deepEqual(await readdir(directory), []);
});

test('a full disk is told as such', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const spool = new Spool(async () => Promise.reject(full));
  await assert.rejects(spool.append(Buffer.alloc(300_000)), StorageFullError);
});

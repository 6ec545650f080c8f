import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compress } from './compress.ts';

const READERS = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync };

test('small and large contents come back from every coding, in memory that keeps nothing else', async () => {
  const line = Buffer.from(`${randomBytes(40).toString('hex')}\n`);
  for (const length of [0, 1, 1_000, 32 * 1024, 32 * 1024 + 1, 3_000_000]) {
    const body = Buffer.alloc(length, line);
    for (const encoding of ['br', 'gzip', 'zstd'] as const) {
      const coded = await compress(body, encoding);
      assert.deepEqual(READERS[encoding](coded), body);
      assert.equal(coded.buffer.byteLength, coded.length);
      if (length >= 1_000) assert.ok(coded.length < 0.2 * length);
    }
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import * as browser from './browser.ts';
import * as node from './node.ts';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What an implementation makes of a stream: the unpacked bytes, or "refused". */
async function outcome(inflate: typeof node.inflateRaw, packed: Uint8Array, size: number): Promise<string> {
  const unpacked: Uint8Array[] = [];
  try {
    for await (const piece of inflate(pieces(packed, size), packed.length)) unpacked.push(piece);
  } catch {
    return 'refused';
  }
  return Buffer.concat(unpacked).toString('hex');
}

test('Node and the browser unpack alike, and both refuse streams that are cut or followed by bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 999 }), async (bytes, size) => {
      const packed = deflateRawSync(bytes);
      const inputs = [packed, packed.subarray(0, -1), Buffer.concat([packed, Buffer.alloc(2000)])];
      const wanted = [Buffer.from(bytes).toString('hex'), 'refused', 'refused'];
      for (const implementation of [node, browser])
        for (const [index, input] of inputs.entries())
          assert.equal(await outcome(implementation.inflateRaw, input, size), wanted[index]);
    }),
    { numRuns: 50 },
  );
});

test('Node and the browser compute the same CRC-32, in pieces too', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const whole = node.crc32(Buffer.concat([a, b]));
      for (const { crc32 } of [node, browser]) assert.equal(crc32(b, crc32(a)), whole);
    }),
  );
});

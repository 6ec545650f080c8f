import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProofError } from './errors.ts';
import { packHex, unpackHex } from './hex-packing.ts';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a text with hashes is packed and is the same again, whatever stands around them', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string().map(hex),
    fc.stringMatching(/^[0-9a-f]{0,140}$/),
    fc.constant('0'.repeat(63)),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = Buffer.from(pieces.join(''));
      const packed = packHex(text);
      assert.equal(packed !== undefined, /[0-9a-f]{64}/.test(text.toString('latin1')) && !text.includes(1));
      if (packed === undefined) return;
      assert.ok(packed.length < text.length);
      assert.deepEqual(Buffer.from(unpackHex(packed)), text);
    }),
    { numRuns: 500 },
  );
});

test('a hash is packed to 33 bytes, a signature of 64 bytes to 66', () => {
  assert.equal(packHex(Buffer.from(`"${hex('a')}"`))?.length, 4 + 2 + 33);
  assert.equal(packHex(Buffer.from(`"${hex('a')}${hex('b')}"`))?.length, 4 + 2 + 66);
});

test('what holds the mark, or has no hash, is not packed', () => {
  assert.equal(packHex(Buffer.from(`\u0001${hex('a')}`)), undefined);
  assert.equal(packHex(Buffer.from(hex('a').toUpperCase())), undefined);
  assert.equal(packHex(new Uint8Array()), undefined);
});

test('packed bytes with more marks than runs, fewer, or neither are refused, and no bytes make more than twice as many', () => {
  const packed = packHex(Buffer.from(`["${hex('a')}","${hex('b')}"]`)) ?? assert.fail();
  for (const wrong of [
    packed.with(3, 1),
    packed.with(3, 3),
    packed.with(0, 255),
    packed.with(5, 1),
    packed.with(6, 0),
    packed.subarray(0, 3),
    new Uint8Array(),
  ])
    assert.throws(() => unpackHex(wrong), ProofError);
  fc.assert(
    fc.property(fc.uint8Array({ max: 3, maxLength: 200 }), (tail) => {
      const bytes = Uint8Array.of(0, 0, 0, ...tail);
      try {
        assert.ok(unpackHex(bytes).length < 2 * bytes.length);
      } catch (error) {
        assert.ok(error instanceof ProofError);
      }
    }),
  );
});

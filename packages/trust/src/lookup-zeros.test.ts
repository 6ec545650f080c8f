import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProofError } from './errors.ts';
import { packZeros, unpackZeros } from './lookup-zeros.ts';

test('bytes with runs of zeros of any length come back', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.nat(600).map((length) => new Uint8Array(length)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const bytes = Uint8Array.from(pieces.flatMap((each) => [...each]));
      const packed = packZeros(bytes);
      assert.deepEqual(unpackZeros(packed, bytes.length), bytes);
      if (bytes.length > 0) assert.throws(() => unpackZeros(packed, bytes.length - 1), ProofError);
    }),
  );
});

test('seven zeros take two bytes, and 256 take four', () => {
  assert.deepEqual(packZeros(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 6)), Uint8Array.of(5, 0, 7, 6));
  assert.deepEqual(packZeros(new Uint8Array(256)), Uint8Array.of(0, 255, 0, 1));
});

test('a zero without a number, or with none, is refused; so is what would be too much, before it is made', () => {
  for (const wrong of [[0], [5, 0], [0, 0], [0, 3, 0, 0, 1]])
    assert.throws(() => unpackZeros(Uint8Array.from(wrong), 1000), ProofError);
  const bomb = Uint8Array.from({ length: 1 << 20 }, (_, at) => (at % 2 === 0 ? 0 : 255));
  assert.throws(() => unpackZeros(bomb, 256 * 1024), ProofError);
});

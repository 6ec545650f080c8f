import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Excerpt } from './excerpt.ts';

const KiB = 1024;

test('keeps all of what is short, whatever pieces it comes in', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 40_000 }), { maxLength: 12 }), (pieces) => {
      const excerpt = new Excerpt(KiB ** 2, () => assert.fail());
      for (const piece of pieces) excerpt.add(Buffer.from(piece));
      assert.equal(excerpt.text, pieces.join(''));
    }),
    { numRuns: 50 },
  );
});

test('of what is long, keeps how it began and how it ended, and says how much is missing', () => {
  for (const size of [100, 64 * KiB, 3_000_001]) {
    let warned = 0;
    const excerpt = new Excerpt(8_000_000, () => warned++);
    const all = Buffer.from(Array.from({ length: 9_000_000 / 10 }, (_, n) => `${String(n).padStart(9)}\n`).join(''));
    for (let at = 0; at < all.length; at += size) excerpt.add(all.subarray(at, at + size));
    assert.ok(warned > 0);
    const { text } = excerpt;
    const left = all.length - 1024 * KiB;
    const marker = `\n[${left} bytes are left out here]\n`;
    assert.equal(text, all.subarray(0, 64 * KiB).toString() + marker + all.subarray(-960 * KiB).toString());
  }
});

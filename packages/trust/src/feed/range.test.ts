import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endsRange, firstOf, KEPT_CHUNKS, MAX_LEVEL, planRanges, RADIX, rangeSize, sweptAfter } from './range.ts';

const versions = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 2 ** 33 }));

test('the chunks of a plan are aligned, leave no gap, end at the newest version, and say at most twice what is missing', () => {
  fc.assert(
    fc.property(versions, fc.double({ min: 0, max: 1, noNaN: true }), (to, fraction) => {
      const after = Math.floor(to * fraction);
      const plan = planRanges(after, to);
      let at = after;
      for (const range of plan) {
        assert.ok(range.level <= MAX_LEVEL && endsRange(range.level, range.last));
        assert.ok(firstOf(range) <= at + 1 && range.last > at, `${firstOf(range)} follows ${at}`);
        at = range.last;
      }
      assert.equal(at, to);
      const said = plan.reduce((sum, { level }) => sum + rangeSize(level), 0);
      // A part of what is missing may only be there in larger chunks by now.
      assert.ok(said <= 2 * (to - after) + (2 * (to - after)) / 64 + 1, `${said} for ${to - after}`);
    }),
    { numRuns: 2_000 },
  );
});

test('a plan has a number of chunks that grows with the logarithm of what is missing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 1, max: 2 ** 31 }), (to, missing) => {
      const levels = Math.min(Math.ceil(Math.log2(missing + 1) / 2) + 1, MAX_LEVEL + 1);
      assert.ok(planRanges(Math.max(0, to - missing), to).length <= 5 * levels);
    }),
    { numRuns: 1_000 },
  );
});

test('no plan asks for a chunk that an index may have swept, even for a timestamp that is 2000 publications old', () => {
  fc.assert(
    fc.property(
      versions,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 0, max: 2_000 }),
      (to, fraction, newer) => {
        for (const { level, last } of planRanges(Math.floor(to * fraction), to)) {
          if (level === MAX_LEVEL) continue;
          // Its four were swept when the chunk above them, this much later, was made.
          const above = (Math.floor(last / rangeSize(level + 1)) + 1) * rangeSize(level + 1) - 1;
          const sweptAt = above + KEPT_CHUNKS * rangeSize(level);
          assert.ok(to + newer < sweptAt, `level ${level}, ${to - last} back`);
        }
      },
    ),
    { numRuns: 5_000 },
  );
});

test('every chunk is swept once, when 4096 of its level follow it', () => {
  const swept: number[] = [];
  for (let last = 0; last < 10_000; last++)
    if (endsRange(1, last)) swept.push(...sweptAfter({ level: 1, last }).map((range) => range.last));
  assert.deepEqual(
    swept,
    Array.from({ length: swept.length }, (_, index) => index),
  );
  assert.equal(swept.length, Math.floor((10_000 - KEPT_CHUNKS) / RADIX) * RADIX);
});

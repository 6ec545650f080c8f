import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace, TooSlowError } from './pace.ts';

const LIMITS = { idleMs: 1000, totalMs: 100_000, minBytesPerSecond: 100, graceMs: 5000 };

/** A pace on a clock that the test moves; its own timer plays no part. */
function paced(): { pace: Pace; at: (ms: number) => void } {
  let now = 0;
  const pace = new Pace(
    LIMITS,
    () => assert.fail('the timer must not fire'),
    () => now,
  );
  pace.stop();
  return { pace, at: (ms) => (now = ms) };
}

test('silence counts from the last byte, and not while the index itself is slow', () => {
  const { pace, at } = paced();
  at(1000);
  assert.equal(pace.verdict(), undefined);
  at(1001);
  assert.match(pace.verdict() ?? '', /nothing arrived for 1 seconds/);
  pace.received(1);
  assert.equal(pace.verdict(), undefined);
  pace.hold(true);
  at(4000);
  assert.equal(pace.verdict(), undefined);
  pace.hold(false);
  at(5000);
  assert.equal(pace.verdict(), undefined);
});

test('the mean rate counts after the grace, and the total time always', () => {
  const { pace, at } = paced();
  at(5001);
  pace.received(499);
  assert.match(pace.verdict() ?? '', /slower than 100 bytes a second/);
  pace.received(2);
  assert.equal(pace.verdict(), undefined);
  pace.received(1e9);
  at(100_001);
  pace.hold(true);
  assert.match(pace.verdict() ?? '', /longer than 100 seconds/);
});

test('the verdict is told once, by itself', async () => {
  const error = await new Promise<TooSlowError>((resolve) => new Pace({ ...LIMITS, idleMs: 10 }, resolve));
  assert.ok(error instanceof TooSlowError);
  assert.match(error.message, /Nothing was stored/);
});

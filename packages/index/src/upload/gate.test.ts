import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BusyError, Gate } from './gate.ts';

const patient = new AbortController().signal;

test('as many tasks run as are allowed, the rest in the order in which they came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 20 }), async (concurrent, count) => {
      const gate = new Gate({ concurrent, waiting: 20, waitMs: 60_000 });
      const started: number[] = [];
      let inside = 0;
      const run = (i: number): Promise<void> =>
        gate.run(async () => {
          started.push(i);
          inside += 1;
          assert.ok(inside <= concurrent);
          await new Promise(setImmediate);
          inside -= 1;
          if (i % 3 === 0) throw new Error('a failing task frees its place too');
        }, patient);
      await Promise.allSettled(Array.from({ length: count }, (_, i) => run(i)));
      assert.deepEqual(
        started,
        Array.from({ length: count }, (_, i) => i),
      );
    }),
    { numRuns: 30 },
  );
});

test('beyond the queue, and after the wait, one is told to come again', async () => {
  const gate = new Gate({ concurrent: 1, waiting: 1, waitMs: 20 });
  const release = Promise.withResolvers<void>();
  const first = gate.run(() => release.promise, patient);
  const second = gate.run(async () => 'late', patient);
  await assert.rejects(
    gate.run(async () => 'third', patient),
    BusyError,
  );
  await assert.rejects(second, BusyError);
  release.resolve();
  await first;
  assert.equal(await gate.run(async () => 'free again', patient), 'free again');
});

test('who goes away while waiting gives the place in the queue to the next', async () => {
  const gate = new Gate({ concurrent: 1, waiting: 1, waitMs: 60_000 });
  const release = Promise.withResolvers<void>();
  const first = gate.run(() => release.promise, patient);
  const leaving = new AbortController();
  const left = gate.run(async () => assert.fail('it must not run'), leaving.signal);
  leaving.abort(new Error('gone'));
  await assert.rejects(left, { message: 'gone' });
  const second = gate.run(async () => 'served', patient);
  release.resolve();
  await first;
  assert.equal(await second, 'served');
  await assert.rejects(
    gate.run(async () => 'never', leaving.signal),
    { message: 'gone' },
  );
});

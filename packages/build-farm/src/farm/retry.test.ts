import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildFailedError, BuildLimitError } from '../errors.ts';
import { backOff, nextTry } from './retry.ts';

const now = new Date(0);
const minutes = (date: Date | undefined): number | undefined => date && date.getTime() / 60_000;

test('a build that fails by itself is tried three times, what may heal again and again', () => {
  for (const error of [new BuildFailedError('build', 'x', ''), new BuildLimitError('time', '1 s', '')])
    assert.deepEqual(
      [1, 2, 3, 4].map((attempts) => minutes(nextTry(error, attempts, now))),
      [10, 60, undefined, undefined],
    );
  const network = new Error('connection refused');
  assert.deepEqual(
    [1, 2, 3, 7, 1000].map((attempts) => minutes(nextTry(network, attempts, now))),
    [1, 2, 4, 60, 60],
  );
  assert.equal(minutes(backOff(0, now)), 1);
});

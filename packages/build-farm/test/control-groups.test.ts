import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { inOwnLinux } from './support/own-linux.ts';

const asRoot = process.getuid?.() === 0;

// As root because the other Linux reads this one's disk with the rights of whoever starts it.
test('in control groups the kernel holds a build as a whole to its memory and its processes, and ends all of it', {
  skip: asRoot ? false : 'needs root, to be root of another Linux',
}, async (t) => {
  const { forks, ...rest } = (await inOwnLinux(t, join(import.meta.dirname, 'support/group-trials.ts'))) as Record<
    string,
    unknown
  >;
  const [, count] = /^0 (\d+)$/.exec(String(forks)) ?? [];
  assert.ok(Number(count) >= 20 && Number(count) <= 28, `${count} processes of 20 and those of the sandbox`);
  assert.deepEqual(rest, {
    before: false,
    withOthers: false,
    found: true,
    leftovers: [],
    hiddenWithout: '0 all of it',
    hidden: 'the build was ended: more memory than 48 MiB',
    fine: '0 fine',
    stray: '0 left',
    sleepers: 0,
    strayWithout: '0 left',
    sleepersWithout: 1,
    after: [],
  });
});

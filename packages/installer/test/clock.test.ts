import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { encodeTarget } from '@holdfast/trust';
import { ClockBehindError } from '../src/errors.ts';
import { forgetTrustedTime } from '../src/trust/trust-store.ts';
import { Scene } from './scene.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const demo = normalizeName('demo');
/** What the index publishes: files that are a day old, a timestamp for another day. */
const now = new Date(Math.floor(Date.now() / 1000) * 1000);
let scene: Scene;

beforeEach(async () => {
  scene = await Scene.make({ now });
});
afterEach(() => scene.close());

/** How many files a new process finds, by a clock that is wrong by so much. */
async function found(wrongMs: number): Promise<number | undefined> {
  const client = await scene.client({ clock: () => new Date(now.getTime() + wrongMs) });
  return (await client.project(demo))?.files.length;
}

describe('a clock that is wrong', () => {
  test('is refused when it was set back since an earlier refresh, by more than an hour (freeze, P20)', async () => {
    await found(0);
    assert.equal(await found(-59 * MINUTE), 1);
    await assert.rejects(found(-61 * MINUTE), { code: 'CLOCK' });
  });

  test('is refused by a new user, too, when it is behind what is signed (freeze, P20)', async () => {
    assert.equal(await found(-24 * HOUR - 59 * MINUTE), 1);
    await assert.rejects(found(-24 * HOUR - 61 * MINUTE), (error) => {
      assert.ok(error instanceof ClockBehindError);
      assert.equal(error.uploaded.getTime(), now.getTime() - 24 * HOUR);
      return true;
    });
    assert.equal(await found(0), 1, 'and the index is not blamed for it later');
  });

  test('does not lock anybody out when it was far ahead: nothing that was refused is remembered', async () => {
    await assert.rejects(found(25 * HOUR), { code: 'EXPIRED' });
    assert.equal(await found(0), 1);
  });

  test('is forgotten for who says so, and no version of metadata with it', async () => {
    await found(23 * HOUR);
    await assert.rejects(found(0), { code: 'CLOCK' });
    await forgetTrustedTime(scene.home, 'main');
    assert.equal(await found(0), 1);
    const older = new Map(scene.repository.files);
    await scene.repository.publish();
    await found(0);
    await forgetTrustedTime(scene.home, 'main');
    for (const [path, bytes] of older) scene.repository.files.set(path, bytes);
    await assert.rejects(found(0), { code: 'ROLLBACK' });
  });
});

test('an upload time that no file of the index can have says nothing about the clock', async () => {
  const { coreMetadata: _, ...wheel } = scene.repository.addWheel('demo', '2.0');
  for (const [uploadTime, isRefused] of [
    [new Date(now.getTime() + 25 * HOUR), false],
    [new Date('9999-01-01T00:00:00Z'), false],
    [new Date(now.getTime() + 23 * HOUR), true],
  ] as const) {
    const { path, file } = encodeTarget({ ...wheel, uploadTime });
    scene.repository.targets.set(path, file);
    await scene.repository.publish();
    if (isRefused) await assert.rejects(found(0), { code: 'CLOCK_BEHIND' });
    else assert.equal(await found(0), 2);
  }
});

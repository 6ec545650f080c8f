import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { makeIndex, openBare } from './support/bare-index.ts';
import { assertFollowed, catchUp, filedFeed, newFollower } from './support/feed-follower.ts';

const CHILD = new URL('./support/publish-until-killed.ts', import.meta.url).pathname;
const KILLS = 8;

test('whenever the index is killed, its feed leads to the timestamp that it left behind, for who is near and who is far', async (t) => {
  const made = await makeIndex(t);
  const files = filedFeed(made.directory);
  const near = newFollower(files);
  const far = newFollower(files);
  await catchUp(far, files);
  for (let round = 0; round < KILLS; round++) {
    const child = spawn(process.execPath, ['--conditions=holdfast-source', CHILD, made.directory, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), closed.then(() => assert.fail('the process ended by itself'))]);
    child.stdout.resume();
    await wait(Math.random() * 400);
    child.kill('SIGKILL');
    await closed;
    await catchUp(near, files);
  }
  const index = await openBare(made.directory);
  for (const follower of [near, far, newFollower(files)]) {
    await catchUp(follower, files);
    await assertFollowed(follower, index);
  }
  assert.ok(near.state.version > KILLS, 'something was published in every round');
});

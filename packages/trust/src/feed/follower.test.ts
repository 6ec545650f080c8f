import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byRole, entryOf, MemoryFeed } from '../../test/memory-feed.ts';
import type { RoleEntry } from '../snapshot-tree/cell.ts';
import type { FeedChange } from './changes.ts';
import { FeedFollower } from './follower.ts';

const NAMES = [
  'targets',
  'unclaimed',
  'claimed',
  'project.flask',
  'project.six',
  ...[...'0123456789abcdef'].map((d) => `unclaimed.${d}`),
];
/** A publication: the index of a role, and whether it is removed. */
const publication = fc.uniqueArray(fc.tuple(fc.nat(NAMES.length - 1), fc.integer({ min: 0, max: 4 })), {
  selector: ([index]) => index,
  maxLength: 6,
});
const histories = fc.array(publication, { minLength: 1, maxLength: 60 });

function changesOf(edits: readonly (readonly [number, number])[], version: number): FeedChange[] {
  return edits.map(([index, kind]) => {
    const role = NAMES[index] ?? '';
    return { role, entry: kind === 0 ? undefined : entryOf(role, version) };
  });
}

const listed = (roles: { entries(): Iterable<RoleEntry> }): RoleEntry[] => [...roles.entries()].toSorted(byRole);

test('a follower that starts anywhere and falls behind by any amount has the tree that the timestamp names, and hears of every difference', async () => {
  await fc.assert(
    fc.asyncProperty(
      histories,
      fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1 }),
      fc.nat(60),
      fc.integer({ min: 300, max: 4000 }),
      fc.boolean(),
      async (history, steps, restartAt, partBytes, lazy) => {
        const feed = new MemoryFeed();
        Object.assign(feed, { partBytes, lazy });
        const follower = new FeedFollower(feed);
        let [step, wait] = [0, steps[0] ?? 1];
        for (const [index, edits] of history.entries()) {
          if (index === restartAt) feed.restart();
          await feed.publish(changesOf(edits, index + 1));
          if (--wait > 0) continue;
          const before = new Map(listed(follower.roles).map((entry) => [entry.role, entry]));
          const { changes, snapshotVersion } = await follower.follow(feed.state);
          assert.deepEqual(listed(follower.roles), listed(feed.tree));
          assert.equal(snapshotVersion, feed.version);
          for (const change of changes()) {
            assert.deepEqual(change.before, before.get(change.role));
            assert.notDeepEqual(change.before, change.after);
            if (change.after) before.set(change.role, change.after);
            else before.delete(change.role);
          }
          assert.deepEqual([...before.values()].toSorted(byRole), listed(feed.tree));
          wait = steps[++step % steps.length] ?? 1;
        }
        if (history.length > restartAt && follower.state.version > 0) assert.ok(feed.begins > 0);
        const late = new FeedFollower(feed);
        await late.follow(feed.state);
        assert.deepEqual(listed(late.roles), listed(feed.tree));
      },
    ),
    { numRuns: 300 },
  );
});

test('merged chunks are the same whether they are made at once or after a crash', async () => {
  const [prompt, late] = [new MemoryFeed(), new MemoryFeed()];
  late.lazy = true;
  for (let version = 1; version <= 600; version++) {
    const edits = changesOf([[version % NAMES.length, version % 5]], version);
    await prompt.publish(edits);
    await late.publish(edits);
  }
  await late.mergeUpTo();
  assert.deepEqual(late.objects, prompt.objects);
  assert.ok(prompt.objects.has('feed/4/511.0'));
});

test('what a follower saves brings it back, in parts, and a damaged copy is refused', async () => {
  const feed = new MemoryFeed();
  await feed.publish(NAMES.map((role) => ({ role, entry: entryOf(role, 1) })));
  const follower = new FeedFollower(feed);
  assert.deepEqual((await FeedFollower.restore(feed, follower.save())).state, follower.state);
  await follower.follow(feed.state);
  const saved = [...follower.save()];
  const restored = await FeedFollower.restore(feed, saved);
  assert.deepEqual(restored.state, follower.state);
  await feed.publish([{ role: 'targets', entry: entryOf('targets', 2) }]);
  const { changes } = await restored.follow(feed.state);
  assert.deepEqual(
    [...changes()].map(({ role }) => role),
    ['targets'],
  );
  const [whole = new Uint8Array()] = saved;
  for (let at = 40; at < whole.length; at++) {
    await assert.rejects(
      FeedFollower.restore(feed, [whole.with(at, (whole[at] ?? 0) ^ 1)]),
      { code: 'FEED' },
      `byte ${at}`,
    );
    await assert.rejects(FeedFollower.restore(feed, [whole.subarray(0, at)]), { code: 'FEED' });
  }
});

test('a follower that is up to date asks for nothing', async () => {
  const feed = new MemoryFeed();
  await feed.publish([{ role: 'targets', entry: entryOf('targets', 1) }]);
  const follower = new FeedFollower(feed);
  await follower.follow(feed.state);
  feed.requests = [];
  const { changes } = await follower.follow(feed.state);
  assert.deepEqual([...changes()], []);
  assert.deepEqual(feed.requests, []);
  await assert.rejects(follower.follow({ version: 0, root: feed.state.root }), RangeError);
});

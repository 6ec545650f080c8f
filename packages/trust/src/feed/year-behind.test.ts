import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFeed } from '../../test/memory-feed.ts';
import { FeedFollower } from './follower.ts';

/** Publications of a year of an index with 27 a day, over 1024 bins of which few change often. */
const YEAR = 10_000;
const BINS = 1024;
/** How far followers are behind: one publication, a day, a month, half a year and, from nothing, a year. */
const BEHIND = [1, 27, 822, 5_000, YEAR];

test('from one publication behind to a year behind, a follower fetches in proportion to what changed, in few requests', async (t) => {
  const feed = new MemoryFeed();
  const followers = new Map(BEHIND.map((behind) => [behind, new FeedFollower(feed)]));
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return seed / 2 ** 31;
  };
  const touched = new Map<number, number>();
  for (let version = 1; version <= YEAR; version++) {
    // Popular projects publish more often.
    const bin = Math.floor(BINS * random() ** 3);
    touched.set(bin, version);
    const role = `unclaimed.${bin.toString(16).padStart(3, '0')}`;
    const removed = random() < 0.001;
    const sha256 = (version * BINS + bin).toString(16).padStart(64, '0');
    await feed.publish([{ role, entry: removed ? undefined : { role, version, length: 9_000, sha256 } }]);
    const follower = followers.get(YEAR - version);
    if (follower) await follower.follow(feed.state);
  }
  for (const [behind, follower] of followers) {
    [feed.requests, feed.bytes] = [[], 0];
    await follower.follow(feed.state);
    assert.equal(follower.state.root, feed.state.root);
    const changed = [...touched.values()].filter((version) => version > YEAR - behind).length;
    t.diagnostic(`${behind} behind, ${changed} roles: ${feed.requests.length} requests, ${feed.bytes} bytes`);
    assert.ok(feed.requests.length <= 2 * Math.ceil(Math.log2(behind + 1) / 2 + 1), `${feed.requests.length} requests`);
    assert.ok(feed.bytes <= 60 * feed.requests.length + 4 * 45 * changed, `${feed.bytes} bytes for ${changed} roles`);
  }
  assert.ok(feed.objects.size < 5 * 4_400, `${feed.objects.size} objects are kept`);
});

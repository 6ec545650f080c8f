import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryOf, MemoryFeed } from '../../test/memory-feed.ts';
import { FeedError, type FeedFault } from '../errors.ts';
import type { FeedChange } from './changes.ts';
import { ChunkEncoder, type ChunkHead, decodePart, MAX_PART_BYTES } from './chunk.ts';
import { FeedFollower } from './follower.ts';

const bin = (version: number): string => `unclaimed.${version.toString(16).padStart(2, '0')}`;
/** Every version brings two roles; every seventh takes one away. */
const changesAt = (version: number): FeedChange[] => [
  ...(version % 7 === 0 && version > 20 ? [{ role: bin(version - 15), entry: undefined }] : []),
  { role: bin(version), entry: entryOf(bin(version), version) },
  { role: `${bin(version)}0`, entry: entryOf(`${bin(version)}0`, version) },
];

/** A feed of 40 versions in parts of 300 bytes, and a follower at version 10. */
async function scene(): Promise<{ feed: MemoryFeed; follower: FeedFollower }> {
  const feed = new MemoryFeed();
  feed.partBytes = 500;
  const follower = new FeedFollower(feed);
  for (let version = 1; version <= 40; version++) {
    await feed.publish(changesAt(version));
    if (version === 10) await follower.follow(feed.state);
  }
  feed.requests = [];
  return { feed, follower };
}

/** That following fails with one of these faults and leaves everything as it was. */
async function refuses(feed: MemoryFeed, follower: FeedFollower, ...faults: readonly FeedFault[]): Promise<void> {
  const [state, roles] = [follower.state, [...follower.roles.entries()]];
  await assert.rejects(follower.follow(feed.state), (error) => {
    assert.ok(error instanceof FeedError, String(error));
    assert.ok(faults.includes(error.fault), `${error.fault} at ${error.path}`);
    return true;
  });
  assert.deepEqual(follower.state, state);
  assert.deepEqual([...follower.roles.entries()], roles);
}

function encode(head: Partial<ChunkHead>, changes: readonly FeedChange[]): Uint8Array {
  const whole = { level: 0, last: 40, begins: 1, root: '0'.repeat(64), rootVersion: 0, snapshotVersion: 0, ...head };
  const encoder = new ChunkEncoder(whole);
  for (const change of changes) encoder.add(change);
  return encoder.finish();
}

test('a feed with a gap is refused, wherever the gap is, and followed again once it is closed', async () => {
  const { feed, follower } = await scene();
  await new FeedFollower(feed).follow(feed.state);
  await (await scene()).follower.follow(feed.state);
  for (const [path, bytes] of Array.from(feed.objects)) {
    feed.objects.delete(path);
    const fresh = new FeedFollower(feed);
    if (path === 'feed/0/40.0') await refuses(feed, follower, 'gap');
    try {
      await fresh.follow(feed.state);
    } catch (error) {
      assert.ok(error instanceof FeedError && error.fault === 'gap');
      assert.equal(fresh.state.version, 0);
    }
    feed.objects.set(path, bytes);
  }
  await follower.follow(feed.state);
  assert.equal(follower.state.root, feed.state.root);
});

test('a feed that tells another history than the signed timestamp is refused', async () => {
  const { feed, follower } = await scene();
  const other = new MemoryFeed();
  for (let version = 1; version <= 40; version++) await other.publish(changesAt(version + 3));
  for (const path of ['feed/0/40.0', 'feed/1/39.0', 'feed/2/31.0']) {
    const honest = feed.objects.get(path) ?? assert.fail(path);
    feed.objects.set(path, other.objects.get(path) ?? assert.fail());
    await refuses(feed, follower, 'fork');
    feed.objects.set(path, honest);
  }
  // The same version with another root: a split view.
  await follower.follow(feed.state);
  await assert.rejects(follower.follow({ version: 40, root: other.state.root }), { code: 'FEED', fault: 'fork' });
});

test('a chunk at the address of another, and parts in a loop, are refused', async () => {
  const { feed, follower } = await scene();
  const moves = [
    ['feed/1/39.0', 'feed/0/40.0'],
    ['feed/1/39.0', 'feed/1/35.0'],
    ['feed/2/31.0', 'feed/1/35.0'],
    ['feed/2/31.1', 'feed/2/31.0'],
    ['feed/2/31.2', 'feed/2/31.1'],
  ] as const;
  for (const [to, from] of moves) {
    const honest = feed.objects.get(to) ?? assert.fail(to);
    feed.objects.set(to, feed.objects.get(from) ?? assert.fail(from));
    await refuses(feed, follower, 'misplaced');
    feed.objects.set(to, honest);
  }
});

test('roles out of order or twice are refused, within a part and across parts', async () => {
  const { feed, follower } = await scene();
  const head = { last: 40, root: feed.state.root };
  const [first, second] = changesAt(40) as [FeedChange, FeedChange];
  for (const changes of [
    [second, first],
    [first, second, first],
    [first, { role: first.role, entry: undefined }],
  ]) {
    feed.objects.set('feed/0/40.0', encode(head, changes));
    await refuses(feed, follower, 'disorder', 'malformed');
  }
  const [part0, part1] = [feed.objects.get('feed/2/31.0'), feed.objects.get('feed/2/31.1')];
  assert.ok(part0 && part1);
  const again = part0.slice();
  again[3] = 1;
  feed.objects.set('feed/2/31.1', again);
  feed.objects.set('feed/0/40.0', encode(head, [first, second]));
  await refuses(feed, follower, 'disorder');
});

test('a part cut anywhere is refused, and no changed byte brings anyone to another state', async () => {
  const { feed, follower } = await scene();
  const saved = [...follower.save()];
  for (const path of ['feed/0/40.0', 'feed/2/31.0', 'feed/2/31.3']) {
    const honest = feed.objects.get(path) ?? assert.fail(path);
    for (let at = 0; at < honest.length; at++) {
      feed.objects.set(path, honest.subarray(0, at));
      await assert.rejects(follower.follow(feed.state), FeedError, `${path} up to ${at}`);
      feed.objects.set(path, honest.with(at, (honest[at] ?? 0) ^ (at % 2 === 0 ? 1 : 0x80)));
      // What a part says of itself is not proven, and some of it does not matter here.
      const other = await FeedFollower.restore(feed, saved);
      const fault = await other.follow(feed.state).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (fault === undefined) assert.equal(other.roles.get(bin(40))?.version, 40);
      else assert.ok(fault instanceof FeedError, `${path}, byte ${at}`);
    }
    feed.objects.set(path, honest);
  }
});

test('what is too long is refused before it is read: a part, the number of parts, the number of requests', async () => {
  const { feed, follower } = await scene();
  const head = { last: 40, root: feed.state.root };
  assert.throws(() => decodePart(new Uint8Array(MAX_PART_BYTES + 1), { level: 0, last: 40 }, 0), {
    fault: 'too-large',
  });
  // Parts that never end.
  let answered = 0;
  const endless = {
    fetch: async (path: string) => {
      const part = Number(path.split('.')[1]);
      answered++;
      const role = `unclaimed.${part.toString(16).padStart(4, '0')}`;
      const bytes = encode({ ...head, begins: 40 }, [{ role, entry: entryOf(role, 1) }]);
      bytes.set([1, part], 2);
      return bytes;
    },
  };
  await assert.rejects(new FeedFollower(endless).follow(feed.state), { fault: 'too-large' });
  assert.ok(answered <= 300);
  // Nothing but small chunks.
  const small = {
    fetch: async (path: string) => {
      const [, level, last = ''] = path.split('/');
      if (level !== '0') return undefined;
      return encode({ last: Number.parseInt(last, 10), root: feed.state.root }, []);
    },
  };
  await assert.rejects(new FeedFollower(small).follow({ version: 4_095, root: feed.state.root }), {
    fault: 'too-large',
  });
  await follower.follow(feed.state);
});

test('a removal in a chunk that nothing comes before, an unknown format, and numbers with two encodings are refused', () => {
  const range = { level: 0, last: 40 };
  const good = encode({}, [{ role: 'targets', entry: entryOf('targets', 5) }]);
  decodePart(good, range, 0);
  const refused = (bytes: Uint8Array, fault: FeedFault): void =>
    assert.throws(() => decodePart(bytes, range, 0), { code: 'FEED', fault });
  refused(encode({ begins: 40 }, [{ role: 'targets', entry: undefined }]), 'malformed');
  refused(encode({ begins: 41 }, []), 'malformed');
  refused(encode({ begins: 0 }, []), 'malformed');
  refused(good.with(0, 2), 'unknown-format');
  refused(Uint8Array.from([...good.subarray(0, 39), 0x80, 0, ...good.subarray(40)]), 'malformed');
  refused(
    Uint8Array.from([...good.subarray(0, 38), ...Array<number>(8).fill(0xff), 1, ...good.subarray(39)]),
    'malformed',
  );
  refused(new Uint8Array(), 'truncated');
  for (const role of ['root', 'unclaimed.', 'Targets', '../x', 'project.A'])
    refused(encode({}, [{ role, entry: entryOf(role, 1) }]), 'malformed');
});

test('random bytes are refused, and following costs no more than their length', async () => {
  const { feed, follower } = await scene();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      assert.throws(() => decodePart(bytes, { level: 0, last: 40 }, 0), FeedError);
      // The last byte said that nothing follows.
      const start = encode({ last: 40, root: feed.state.root }, []);
      feed.objects.set('feed/0/40.0', Uint8Array.from([...start.subarray(0, -1), ...bytes, 1]));
      await refuses(feed, follower, 'malformed', 'truncated', 'disorder', 'fork');
    }),
    { numRuns: 300 },
  );
});

import { FeedError } from '../errors.ts';
import { SnapshotTree } from '../snapshot-tree/tree.ts';
import type { FeedSource } from './feed-source.ts';
import { type FollowedChanges, NextState, type PublishedState } from './next-state.ts';
import { fetchPart, missing } from './open-chunk.ts';
import { feedPath, type FeedRange, planRanges } from './range.ts';
import { readRanges } from './read-ranges.ts';
import { loadState, saveState } from './saved-state.ts';

/** Requests of one catching up: with the size of a part, the most that a hostile feed can make anyone read. */
const MAX_REQUESTS = 1024;

/**
 * Keeps a copy of the snapshot tree of an index by following its change feed (docs/formats/change-feed.md).
 *
 * ```ts
 * const follower = new FeedFollower(source);
 * const { changes } = await follower.follow({ version: timestamp.version, root: snapshotTreeRoot(timestamp) });
 * for (const { role, before, after } of changes()) …
 * ```
 */
export class FeedFollower {
  private readonly source: FeedSource;
  private tree = new SnapshotTree();
  private at: PublishedState;

  constructor(source: FeedSource) {
    this.source = source;
    this.at = { version: 0, root: this.tree.commit() };
  }

  /** Goes on from what {@link save} gave. @throws FeedError when it is not that any more */
  static async restore(
    source: FeedSource,
    saved: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<FeedFollower> {
    const follower = new FeedFollower(source);
    const { tree, state } = await loadState(saved);
    follower.tree = tree;
    follower.at = state;
    return follower;
  }

  /** The state to go on from another time, in parts of at most 4 MiB, to be kept in this order. About 40 bytes a role. */
  save(): Iterable<Uint8Array> {
    return saveState(this.tree, this.at);
  }

  /** What the tree was verified against last; version 0 before that. */
  get state(): PublishedState {
    return this.at;
  }

  /** What the snapshot of {@link state} lists. To be read, not changed. */
  get roles(): Pick<SnapshotTree, 'get' | 'size' | 'entries' | 'prove' | 'leadingTo'> {
    return this.tree;
  }

  /**
   * Catches up to a publication that a verified timestamp names. One call at a time.
   * @returns what changed since the last call
   * @throws FeedError when the feed does not lead there; nothing is changed then. And what the source throws
   */
  async follow(to: PublishedState): Promise<FollowedChanges> {
    if (to.version < this.at.version) throw new RangeError(`version ${to.version} is older than what was followed`);
    const next = new NextState(this.tree);
    try {
      if (to.version > this.at.version) await this.read(to, next);
      const followed = next.finish(to);
      this.tree = followed.tree;
      this.at = to;
      return followed;
    } catch (error) {
      next.discard(this.at.root);
      throw error;
    }
  }

  private async read(to: PublishedState, next: NextState): Promise<void> {
    const newest: FeedRange = { level: 0, last: to.version };
    const source = limited(this.source, feedPath(newest, 0));
    const { head } = (await fetchPart(source, newest, 0)) ?? missing(newest, 0);
    // Only a hint that saves reading the rest in vain: what decides is the root of the tree in the end.
    if (head.root !== to.root) throw new FeedError('fork', feedPath(newest, 0));
    const after = this.at.version >= head.begins ? this.at.version : head.begins - 1;
    for await (const part of readRanges(source, planRanges(after, to.version), after)) next.apply(part);
  }
}

/** Counts requests, and asks only once for what is read twice. */
function limited(source: FeedSource, twice: string): FeedSource {
  let requests = 0;
  let kept: Promise<Uint8Array | undefined> | undefined;
  const fetch: FeedSource['fetch'] = (path, maxLength) => {
    if (++requests > MAX_REQUESTS) throw new FeedError('too-large', path);
    return source.fetch(path, maxLength);
  };
  return { fetch: (path, maxLength) => (path === twice ? (kept ??= fetch(path, maxLength)) : fetch(path, maxLength)) };
}

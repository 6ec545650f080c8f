import { compareCodePoints } from '@holdfast/tuf';
import { ChunkEncoder, type ChunkHead, isComplete, MAX_PART_BYTES } from './chunk.ts';
import type { FeedChange } from './changes.ts';
import { openChunk, type ChunkSource } from './open-chunk.ts';
import type { FeedSource } from './feed-source.ts';
import { type FeedRange, subranges } from './range.ts';

export interface MergeOptions {
  /** The most bytes of a part. */
  readonly partBytes?: number | undefined;
  /** Awaited now and then: merging a million roles would keep a whole process busy. */
  readonly pause?: () => Promise<void>;
}

/** Changes that are merged in one go, without a pause: some milliseconds. */
const BATCH = 4096;

/**
 * The parts of the chunk of a range, made of the chunks of the level below, which the source must have. Whoever makes it, and
 * whenever: the bytes are the same.
 * @throws FeedError when one of them is missing or damaged
 */
export async function* mergedParts(
  source: FeedSource,
  range: FeedRange,
  { partBytes = MAX_PART_BYTES, pause }: MergeOptions = {},
): AsyncGenerator<Uint8Array, void> {
  const below = subranges(range);
  const newest = await openChunk(source, { level: range.level - 1, last: range.last });
  const needed = below.filter(({ last }) => last >= newest.head.begins && last < range.last);
  const sources = [...(await Promise.all(needed.map((chunk) => openChunk(source, chunk)))), newest];
  const head = mergedHead(
    range,
    newest.head,
    sources.map((chunk) => chunk.head),
  );
  const encoder = new ChunkEncoder(head, partBytes);
  for await (const batch of mergeChanges(head, sources)) {
    for (const change of batch) yield* encoder.add(change);
    await pause?.();
  }
  yield encoder.finish();
}

/** What the chunk of a range says of itself when these, the oldest first, make it up. */
function mergedHead({ level, last }: FeedRange, newest: ChunkHead, heads: readonly ChunkHead[]): ChunkHead {
  return {
    level,
    last,
    begins: newest.begins,
    root: newest.root,
    rootVersion: heads.findLast(({ rootVersion }) => rootVersion > 0)?.rootVersion ?? 0,
    snapshotVersion: heads.findLast(({ snapshotVersion }) => snapshotVersion > 0)?.snapshotVersion ?? 0,
  };
}

/** Every role of the sources once, in order, as the newest source that names it says. In batches: a promise for each would cost more. */
async function* mergeChanges(
  head: ChunkHead,
  sources: readonly ChunkSource[],
): AsyncGenerator<readonly FeedChange[], void> {
  // The newest in front: of several that name a role the first decides.
  const cursors = sources.toReversed().map(({ changes }) => new Cursor(changes[Symbol.asyncIterator]()));
  await Promise.all(cursors.map((cursor) => cursor.fill()));
  let batch: FeedChange[] = [];
  for (let first = firstOf(cursors); first; first = firstOf(cursors)) {
    for (const cursor of cursors) if (cursor.change?.role === first.role && cursor.next()) await cursor.fill();
    if (first.entry || !isComplete(head)) batch.push(first);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

function firstOf(cursors: readonly Cursor[]): FeedChange | undefined {
  let first: FeedChange | undefined;
  for (const { change } of cursors)
    if (change && (!first || compareCodePoints(change.role, first.role) < 0)) first = change;
  return first;
}

class Cursor {
  change: FeedChange | undefined;
  private readonly parts: AsyncIterator<readonly FeedChange[]>;
  private part: readonly FeedChange[] = [];
  private at = 0;

  constructor(parts: AsyncIterator<readonly FeedChange[]>) {
    this.parts = parts;
  }

  /** Goes on. @returns whether the part is at its end, so that the next has to be fetched */
  next(): boolean {
    this.change = this.part[++this.at];
    return this.change === undefined;
  }

  async fill(): Promise<void> {
    this.at = 0;
    do {
      const next = await this.parts.next();
      this.part = next.done === true ? [] : next.value;
      if (next.done === true) break;
    } while (this.part.length === 0);
    this.change = this.part[0];
  }
}

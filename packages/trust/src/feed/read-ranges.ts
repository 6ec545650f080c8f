import type { ChunkPart } from './chunk.ts';
import type { FeedSource } from './feed-source.ts';
import { fetchPart, furtherParts, missing } from './open-chunk.ts';
import { type FeedRange, subranges } from './range.ts';

/** Chunks that are asked for at the same time. */
const AHEAD = 6;

/**
 * All parts of the chunks of these ranges, in order. The first parts of the next chunks are on their way meanwhile.
 * @param after what comes up to this version is not needed
 * @throws FeedError
 */
export async function* readRanges(
  source: FeedSource,
  ranges: readonly FeedRange[],
  after: number,
): AsyncGenerator<ChunkPart, void> {
  const coming: Promise<ChunkPart | undefined>[] = [];
  for (const [index, range] of ranges.entries()) {
    for (const ahead of ranges.slice(index + coming.length, index + AHEAD)) {
      const first = fetchPart(source, ahead, 0);
      first.catch(() => {}); // Whoever awaits it hears of it.
      coming.push(first);
    }
    yield* readRange(source, range, after, await coming.shift());
  }
}

async function* readRange(
  source: FeedSource,
  range: FeedRange,
  after: number,
  first: ChunkPart | undefined,
): AsyncGenerator<ChunkPart, void> {
  if (first) {
    yield first;
    yield* furtherParts(source, first);
    return;
  }
  // A chunk is merged some time after its last publication; until then, those that it is made of say the same.
  if (range.level === 0) missing(range, 0);
  const smaller = subranges(range).filter(({ last }) => last > after);
  yield* readRanges(source, smaller, after);
}

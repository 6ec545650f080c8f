import { FeedError } from '../errors.ts';
import type { FeedChange } from './changes.ts';
import { type ChunkHead, type ChunkPart, decodePart, MAX_PART_BYTES } from './chunk.ts';
import type { FeedSource } from './feed-source.ts';
import { feedPath, type FeedRange } from './range.ts';

/** A chunk that is read part by part. */
export interface ChunkSource {
  readonly head: ChunkHead;
  readonly changes: AsyncIterable<readonly FeedChange[]>;
}

/** Fetches the first part of a chunk; the others when they are asked for. @throws FeedError */
export async function openChunk(source: FeedSource, range: FeedRange): Promise<ChunkSource> {
  const first = (await fetchPart(source, range, 0)) ?? missing(range, 0);
  return { head: first.head, changes: changesOf(source, first) };
}

async function* changesOf(source: FeedSource, first: ChunkPart): AsyncGenerator<readonly FeedChange[], void> {
  yield first.changes;
  for await (const { changes } of furtherParts(source, first)) yield changes;
}

/** The parts behind the first one. @throws FeedError */
export async function* furtherParts(source: FeedSource, first: ChunkPart): AsyncGenerator<ChunkPart, void> {
  const { head } = first;
  for (let part = first, number = 1; part.more; number++) {
    part = (await fetchPart(source, head, number)) ?? missing(head, number);
    // It decides what the changes mean.
    if (part.head.begins !== head.begins) throw new FeedError('malformed', feedPath(head, number));
    yield part;
  }
}

/** `undefined` when it is not there. @throws FeedError for bytes that are no such part */
export async function fetchPart(source: FeedSource, range: FeedRange, part: number): Promise<ChunkPart | undefined> {
  const bytes = await source.fetch(feedPath(range, part), MAX_PART_BYTES);
  return bytes && decodePart(bytes, range, part);
}

export function missing(range: FeedRange, part: number): never {
  throw new FeedError('gap', feedPath(range, part));
}

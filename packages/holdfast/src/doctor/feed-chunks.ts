import {
  decodePart,
  FeedError,
  feedPath,
  type FeedRange,
  type FeedSource,
  firstOf,
  mergedParts,
  type PublishedState,
} from '@holdfast/trust';
import { type Found, ok, warn } from './finding.ts';

/** What the doctor reads the feed with. */
export interface FeedUnderExamination {
  readonly source: FeedSource;
  /** What the timestamp names. */
  readonly newest: PublishedState;
  /** The timestamp version with which the feed begins. */
  readonly begins: number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Publications in a row that are looked at. */
const IN_A_ROW = 16;
/** Each chunk that at most so many of its level follow is promised to be there (docs/formats/change-feed.md). */
const PROMISED = 2048;
/** The longest ranges that are compared hold 4^this publications. */
const LEVELS = 3;
/** Publications after which the chunk of a longer range should be there: four times as many as an index waits for. */
const MERGED_AFTER = 64;

/**
 * Some publications in a row, anywhere in the feed: each has its chunk, and all say the same of where the feed begins.
 * @throws FeedError
 */
export async function unbroken({ source, newest, begins, random }: FeedUnderExamination): Promise<Found> {
  const oldest = Math.max(begins, newest.version - PROMISED + 1);
  const choices = Math.max(1, newest.version - oldest + 2 - IN_A_ROW);
  const first = oldest + Math.floor(random() * choices);
  const last = Math.min(newest.version, first + IN_A_ROW - 1);
  for (let version = first; version <= last; version++) {
    const range = { level: 0, last: version };
    const path = feedPath(range, 0);
    const bytes = await source.fetch(path, Number.POSITIVE_INFINITY);
    if (!bytes) throw new FeedError('gap', path);
    if (decodePart(bytes, range, 0).head.begins !== begins) throw new FeedError('malformed', path);
  }
  return ok(`versions ${first} to ${last} have a chunk each`);
}

/**
 * One chunk of several publications says what those that it is made of say.
 * @throws FeedError
 */
export async function mergedChunk({ source, newest, begins, random }: FeedUnderExamination): Promise<Found> {
  const ranges = Array.from({ length: LEVELS }, (_, index) => anyRange(index + 1, begins, newest.version, random));
  const complete = ranges.filter((range) => range !== undefined);
  const range = complete[Math.floor(random() * complete.length)];
  if (!range) return ok('no range of publications is complete yet');
  const path = feedPath(range, 0);
  if (!(await source.fetch(path, Number.POSITIVE_INFINITY))) {
    if (newest.version - range.last < MERGED_AFTER) return ok(`${path} is still to be made`);
    return warn(
      `${path} is not made yet: followers ask for more, and more often`,
      'The index makes it in the background: its log says why it did not.',
    );
  }
  let part = 0;
  for await (const made of mergedParts(source, range)) {
    const shown = await source.fetch(feedPath(range, part), Number.POSITIVE_INFINITY);
    if (!shown || Buffer.compare(shown, made) !== 0) throw new FeedError('malformed', feedPath(range, part));
    part++;
  }
  return ok(`${path} says what the chunks of versions ${Math.max(begins, firstOf(range))} to ${range.last} say`);
}

/** A range of this level that is complete, and whose parts are promised to be there. */
function anyRange(level: number, begins: number, newest: number, random: () => number): FeedRange | undefined {
  const size = 4 ** level;
  const latest = Math.floor((newest + 1) / size) * size - 1;
  const earliest = Math.max(begins, newest - (PROMISED * size) / 4 + 1);
  if (latest < earliest) return undefined;
  return { level, last: latest - Math.floor(random() * (Math.floor((latest - earliest) / size) + 1)) * size };
}

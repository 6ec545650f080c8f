/** Chunks of one level that make one of the next. With 4, who is a year behind asks for 12 chunks; with 16, for 27, of which more is said twice. */
export const RADIX = 4;
/** The highest level: its chunks hold 268 million publications each. */
export const MAX_LEVEL = 14;
/** A follower asks for a chunk of level k as long as at most this many times 4^k publications follow it. */
export const PROMISED_CHUNKS = 2048;
/** An index keeps each chunk twice as long, for followers whose timestamp is not the newest. */
export const KEPT_CHUNKS = 2 * PROMISED_CHUNKS;

/** The publications of one chunk: `RADIX ** level` of them, up to and with the timestamp version `last`. */
export interface FeedRange {
  readonly level: number;
  readonly last: number;
}

export function rangeSize(level: number): number {
  return RADIX ** level;
}

/** The first timestamp version of a range; 0, which no timestamp has, for the first range of each level. */
export function firstOf({ level, last }: FeedRange): number {
  return last - rangeSize(level) + 1;
}

/** Whether a range of this level ends with this timestamp version. */
export function endsRange(level: number, version: number): boolean {
  return (version + 1) % rangeSize(level) === 0;
}

/** The ranges of the level below that make up a range. */
export function subranges({ level, last }: FeedRange): readonly FeedRange[] {
  const size = rangeSize(level - 1);
  return Array.from({ length: RADIX }, (_, index) => ({ level: level - 1, last: last - (RADIX - 1 - index) * size }));
}

/** Once the chunk of a range is made, the chunks that it is made of at this distance are kept no longer. */
export function sweptAfter({ level, last }: FeedRange): readonly FeedRange[] {
  const old = last - (KEPT_CHUNKS / RADIX) * rangeSize(level);
  return old < 0 ? [] : subranges({ level, last: old });
}

/** Where a part of a chunk stands, below the address of the index: `feed/2/4095.0`. */
export function feedPath({ level, last }: FeedRange, part: number): string {
  return `feed/${level}/${last}.${part}`;
}

/**
 * The chunks that lead from the state after version `after` to that after `to`, to be applied in this order. The first may begin
 * earlier: a chunk says what each role is in the end, so what is known already is only said again.
 */
export function planRanges(after: number, to: number): readonly FeedRange[] {
  const ranges: FeedRange[] = [];
  for (let last = to; last > after; ) {
    const range = { level: levelAt(last, last - after, to), last };
    ranges.push(range);
    last = firstOf(range) - 1;
  }
  return ranges.reverse();
}

/** The largest range with this end that is not twice what is missing, unless smaller ones may be swept by now. */
function levelAt(last: number, missing: number, newest: number): number {
  let level = 0;
  while (level < MAX_LEVEL && endsRange(level + 1, last)) {
    const promised = newest - last < PROMISED_CHUNKS * rangeSize(level);
    if (promised && rangeSize(level + 1) > 2 * missing) break;
    level++;
  }
  return level;
}

/** Small and repeatable (mulberry32): a run can be done again from its seed. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}

export interface MutationSources {
  readonly random: Random;
  readonly dictionary: readonly Uint8Array[];
  /** Another input to take a piece from. */
  readonly other: Uint8Array;
  readonly maxLength: number;
}

type Mutation = (input: Uint8Array, sources: MutationSources) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  // One bit, one byte, one neighbouring value.
  (input, { random }) => changed(input, random, (byte) => byte ^ (1 << random.below(8))),
  (input, { random }) => changed(input, random, () => random.below(256)),
  (input, { random }) => changed(input, random, (byte) => byte + (random.below(2) === 0 ? 1 : 255)),
  // A piece goes, or comes again.
  (input, { random }) => {
    const [start, end] = span(input, random);
    return spliced(input, start, end, new Uint8Array(0));
  },
  (input, { random }) => {
    const [start, end] = span(input, random);
    return spliced(input, end, end, input.subarray(start, end));
  },
  // A word, a few bytes, or a piece of another input; put in or written over.
  (input, { random, dictionary }) => placed(input, random, random.pick(dictionary) ?? new Uint8Array(0)),
  (input, { random, dictionary }) => placed(input, random, random.pick(dictionary) ?? new Uint8Array(0)),
  (input, { random }) =>
    placed(
      input,
      random,
      Uint8Array.from({ length: 1 + random.below(4) }, () => random.below(256)),
    ),
  (input, { random, other }) => placed(input, random, other.subarray(...span(other, random))),
  (input, { random }) => placed(input, random, input.subarray(...span(input, random))),
  // The head of one and the tail of another.
  (input, { random, other }) =>
    spliced(input, random.below(input.length + 1), input.length, other.subarray(random.below(other.length + 1))),
];

/** One to eight small changes. */
export function mutate(input: Uint8Array, sources: MutationSources): Uint8Array {
  let result = input;
  for (let count = 1 << sources.random.below(4); count > 0; count--)
    result = sources.random.pick(MUTATIONS)?.(result, sources) ?? result;
  return result.subarray(0, sources.maxLength);
}

/** One piece of the input many times over: what shows time that grows faster than the input. */
export function pump(input: Uint8Array, random: Random, length: number): Uint8Array {
  const [start, end] = span(input, random);
  const piece = input.subarray(start, end);
  if (piece.length === 0) return input;
  const repeated = new Uint8Array(Math.max(0, length - input.length));
  for (let at = 0; at < repeated.length; at++) repeated[at] = piece[at % piece.length] ?? 0;
  return spliced(input, end, end, repeated);
}

export function spliced(input: Uint8Array, start: number, end: number, middle: Uint8Array): Uint8Array {
  const result = new Uint8Array(start + middle.length + input.length - end);
  result.set(input.subarray(0, start));
  result.set(middle, start);
  result.set(input.subarray(end), start + middle.length);
  return result;
}

function changed(input: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  if (input.length === 0) return input;
  const result = Uint8Array.from(input);
  const at = random.below(result.length);
  result[at] = change(result[at] ?? 0);
  return result;
}

function placed(input: Uint8Array, random: Random, piece: Uint8Array): Uint8Array {
  const start = random.below(input.length + 1);
  const end = random.below(2) === 0 ? start : Math.min(input.length, start + piece.length);
  return spliced(input, start, end, piece);
}

/** Mostly short, sometimes the whole. */
function span(input: Uint8Array, random: Random): [start: number, end: number] {
  const start = random.below(input.length + 1);
  const longest = random.below(4) === 0 ? input.length : 16;
  return [start, Math.min(input.length, start + 1 + random.below(longest))];
}

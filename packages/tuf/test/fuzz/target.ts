/**
 * What is fuzzed: a function of bytes that throws when it breaks its promise. The shape is that of a libFuzzer target, so that
 * another fuzzer can drive it as well.
 */
export interface FuzzTarget {
  /** Inputs to begin with: at least one that is accepted whole. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Words that mutations put in, where no coverage leads to them letter by letter. */
  readonly dictionary: readonly string[];
  /** Blocks of code that an input of this many bytes may run at most: what keeps the time linear. */
  readonly stepLimit: (length: number) => number;
  /** Longest input, in bytes; default 4096. */
  readonly maxLength?: number;
  /**
   * Runs one input. The label names the kind of outcome and must come from a small set: a new one counts like new
   * coverage.
   */
  readonly run: (input: Uint8Array) => string | Promise<string>;
}

/** Bytes of a seed. */
export function bytesOf(seed: string | Uint8Array): Uint8Array {
  return typeof seed === 'string' ? new TextEncoder().encode(seed) : seed;
}

/** UTF-8 without complaint: for targets whose subject takes text, not bytes. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** What an error says, without the numbers and names in it: a label from a small set. */
export function labelOf(problem: string): string {
  return problem
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\d+/g, '0')
    .slice(0, 60);
}

/** A dictionary out of words between spaces. */
export function words(text: string): readonly string[] {
  return text.split(' ');
}

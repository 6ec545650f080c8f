import { ProofError } from './errors.ts';

/** Stands in the text for a run; canonical JSON has it at most in what outsiders wrote. */
const MARK = 1;
const RUN_DIGITS = 64;
export const RUN_BYTES = RUN_DIGITS / 2;
const COUNT_BYTES = 4;

/** A text whose runs of 64 lower-case hex digits are taken out: docs/formats/lookup.md. */
export interface MarkedText {
  /** With a mark in the place of each run. */
  readonly text: Uint8Array;
  /** In their order, two digits a byte. */
  readonly runs: Uint8Array;
}

/**
 * A text whose runs of 64 lower-case hex digits stand behind it as bytes: docs/formats/lookup.md, "Packed files". Hashes are most of a
 * role, and what compresses text spends a fifth more on their digits than they say.
 * @returns `undefined` for what cannot be packed, or is no shorter then
 */
export function packHex(file: Uint8Array): Uint8Array | undefined {
  if (file.includes(MARK)) return undefined;
  const starts = hexRuns(file);
  if (starts.length === 0) return undefined;
  const { text, runs } = markRuns(file, starts);
  const packed = new Uint8Array(COUNT_BYTES + text.length + runs.length);
  new DataView(packed.buffer).setUint32(0, starts.length);
  packed.set(text, COUNT_BYTES);
  packed.set(runs, COUNT_BYTES + text.length);
  return packed;
}

/**
 * The text again, less than twice as long.
 * @throws ProofError when marks and runs are not as many
 */
export function unpackHex(packed: Uint8Array): Uint8Array {
  if (packed.length < COUNT_BYTES) throw damaged();
  const count = new DataView(packed.buffer, packed.byteOffset).getUint32(0);
  const runs = packed.length - count * RUN_BYTES;
  if (runs < COUNT_BYTES + count) throw damaged();
  return unmarkRuns({ text: packed.subarray(COUNT_BYTES, runs), runs: packed.subarray(runs) });
}

/**
 * A text to be compressed with a dictionary: only the runs are taken out that neither the dictionary has nor the text a second time,
 * since a repetition costs less than its bytes. A text with the mark in it keeps all of them.
 */
export function markNewRuns(file: Uint8Array, dictionary: Uint8Array): MarkedText {
  if (file.includes(MARK)) return { text: file, runs: new Uint8Array() };
  const starts = hexRuns(file);
  const seen = new Set(hexRuns(dictionary).map((start) => beginning(dictionary, start)));
  const repeated = new Set<number>();
  for (const start of starts) {
    const digits = beginning(file, start);
    if (seen.has(digits)) repeated.add(digits);
    else seen.add(digits);
  }
  return markRuns(
    file,
    starts.filter((start) => !repeated.has(beginning(file, start))),
  );
}

/**
 * The text again. Without runs the text is what it is, marks included.
 * @throws ProofError when marks and runs are not as many
 */
export function unmarkRuns({ text: marked, runs }: MarkedText): Uint8Array {
  if (runs.length === 0) return marked;
  const text = new Uint8Array(marked.length + (runs.length / RUN_BYTES) * (RUN_DIGITS - 1));
  let [to, from, bytes] = [0, 0, 0];
  for (let mark = marked.indexOf(MARK); mark !== -1; mark = marked.indexOf(MARK, from)) {
    if (bytes === runs.length) throw damaged();
    text.set(marked.subarray(from, mark), to);
    to += mark - from;
    for (let end = bytes + RUN_BYTES; bytes < end; bytes++) {
      text[to++] = hexDigit((runs[bytes] ?? 0) >>> 4);
      text[to++] = hexDigit((runs[bytes] ?? 0) & 15);
    }
    from = mark + 1;
  }
  if (bytes !== runs.length) throw damaged();
  text.set(marked.subarray(from), to);
  return text;
}

function markRuns(file: Uint8Array, starts: readonly number[]): MarkedText {
  const text = new Uint8Array(file.length - starts.length * (RUN_DIGITS - 1));
  const runs = new Uint8Array(starts.length * RUN_BYTES);
  let [to, from, bytes] = [0, 0, 0];
  for (const start of starts) {
    text.set(file.subarray(from, start), to);
    to += start - from;
    text[to++] = MARK;
    from = start + RUN_DIGITS;
    for (let at = start; at < from; at += 2) runs[bytes++] = (digit(file, at) << 4) | digit(file, at + 1);
  }
  text.set(file.subarray(from), to);
  return { text, runs };
}

/**
 * Where runs start that do not overlap, the first possible ones. It looks at where a run would end first, and so passes over most of
 * other text.
 */
function hexRuns(text: Uint8Array): readonly number[] {
  const runs: number[] = [];
  let start = 0;
  /** All from `start` to here are digits. */
  let known = 0;
  while (start + RUN_DIGITS <= text.length) {
    const end = start + RUN_DIGITS;
    let at = end - 1;
    while (at >= known && digit(text, at) >= 0) at--;
    const isRun = at < known;
    if (isRun) runs.push(start);
    start = isRun ? end : at + 1;
    known = end;
  }
  return runs;
}

/** The first twelve digits of a run, as a number. Runs that share them are taken for one: that costs bytes and nothing else. */
function beginning(text: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start; at < start + 12; at++) value = value * 16 + digit(text, at);
  return value;
}

const DIGITS = Int8Array.from({ length: 256 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code)));

/** The value of a lower-case hex digit; -1 for anything else. */
const digit = (text: Uint8Array, at: number): number => DIGITS[text[at] ?? 0] ?? -1;

const hexDigit = (value: number): number => (value < 10 ? 0x30 : 0x61 - 10) + value;

const damaged = (): ProofError => new ProofError('a packed role is damaged');

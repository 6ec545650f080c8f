import { ProofError } from './errors.ts';

/** Stands in the text for a run; canonical JSON has no control characters. */
const MARK = 1;
const RUN_DIGITS = 64;
const RUN_BYTES = RUN_DIGITS / 2;
const COUNT_BYTES = 4;

/**
 * A text whose runs of 64 lower-case hex digits stand behind it as bytes: docs/formats/lookup.md, "Packed files". Hashes are most of a
 * role, and what compresses text spends a fifth more on their digits than they say.
 * @returns `undefined` for what cannot be packed, or is no shorter then
 */
export function packHex(text: Uint8Array): Uint8Array | undefined {
  if (text.includes(MARK)) return undefined;
  const runs = hexRuns(text);
  if (runs.length === 0) return undefined;
  const packed = new Uint8Array(COUNT_BYTES + text.length + runs.length * (1 + RUN_BYTES - RUN_DIGITS));
  new DataView(packed.buffer).setUint32(0, runs.length);
  let to = COUNT_BYTES;
  let bytes = packed.length - runs.length * RUN_BYTES;
  let from = 0;
  for (const run of runs) {
    packed.set(text.subarray(from, run), to);
    to += run - from;
    packed[to++] = MARK;
    for (let at = run; at < run + RUN_DIGITS; at += 2) packed[bytes++] = (digit(text, at) << 4) | digit(text, at + 1);
    from = run + RUN_DIGITS;
  }
  packed.set(text.subarray(from), to);
  return packed;
}

/**
 * The text again, less than twice as long.
 * @throws ProofError when marks and runs are not as many
 */
export function unpackHex(packed: Uint8Array): Uint8Array {
  const refuse = (): never => {
    throw new ProofError('a packed role is damaged');
  };
  if (packed.length < COUNT_BYTES) refuse();
  const count = new DataView(packed.buffer, packed.byteOffset).getUint32(0);
  let bytes = packed.length - count * RUN_BYTES;
  if (bytes < COUNT_BYTES + count) refuse();
  const marked = packed.subarray(COUNT_BYTES, bytes);
  const text = new Uint8Array(marked.length + count * (RUN_DIGITS - 1));
  let to = 0;
  let from = 0;
  for (let mark = marked.indexOf(MARK); mark !== -1; mark = marked.indexOf(MARK, from)) {
    if (bytes === packed.length) refuse();
    text.set(marked.subarray(from, mark), to);
    to += mark - from;
    for (let end = bytes + RUN_BYTES; bytes < end; bytes++) {
      text[to++] = hexDigit((packed[bytes] ?? 0) >>> 4);
      text[to++] = hexDigit((packed[bytes] ?? 0) & 15);
    }
    from = mark + 1;
  }
  if (bytes !== packed.length) refuse();
  text.set(marked.subarray(from), to);
  return text;
}

/** Where runs start that do not overlap, the first possible ones. */
function hexRuns(text: Uint8Array): readonly number[] {
  const runs: number[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (digit(text, at) < 0) start = at + 1;
    else if (at + 1 - start === RUN_DIGITS) {
      runs.push(start);
      start = at + 1;
    }
  }
  return runs;
}

/** The value of a lower-case hex digit; -1 for anything else. */
function digit(text: Uint8Array, at: number): number {
  const code = text[at] ?? 0;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : -1;
}

const hexDigit = (value: number): number => (value < 10 ? 0x30 : 0x61 - 10) + value;

import { ProofError } from './errors.ts';
import { markNewRuns, RUN_BYTES, unmarkRuns } from './hex-packing.ts';
import { LOOKUP_DICTIONARY } from './lookup-dictionary.ts';

/**
 * Makes the text again of which `frame` is the zstd frame (RFC 8878) with `dictionary` as raw content dictionary. It throws what it
 * likes when that fails, or when the text would be longer than `maxLength` bytes, without making more than that.
 */
export type ApplyDelta = (frame: Uint8Array, dictionary: Uint8Array, maxLength: number) => Uint8Array;

const COUNT_BYTES = 4;

/** What a coded file is made of: `head`, and behind it one zstd frame of `text` with `dictionary` as raw content dictionary. */
export interface UncodedFile {
  readonly head: Uint8Array;
  readonly text: Uint8Array;
  readonly dictionary: Uint8Array;
}

/**
 * Makes a role's file ready for the coder: docs/formats/lookup.md, "Coded files".
 * @param base another file that the reader will have and that has much in common with this one: an older version, or `targets`
 */
export function uncoded(file: Uint8Array, base: Uint8Array = new Uint8Array()): UncodedFile {
  const dictionary = dictionaryOf(base);
  const { text, runs } = markNewRuns(file, dictionary);
  const head = new Uint8Array(COUNT_BYTES + runs.length);
  new DataView(head.buffer).setUint32(0, runs.length / RUN_BYTES);
  head.set(runs, COUNT_BYTES);
  return { head, text, dictionary };
}

/**
 * The file again. Nothing is made that would not fit.
 * @param maxLength of the file, in bytes
 * @throws ProofError for what is no coded file, or would make a longer one; whatever `applyDelta` throws
 */
export function decodeFile(coded: Uint8Array, base: Uint8Array, maxLength: number, applyDelta: ApplyDelta): Uint8Array {
  if (coded.length < COUNT_BYTES) throw new ProofError('a coded role is damaged');
  const count = new DataView(coded.buffer, coded.byteOffset).getUint32(0);
  const frame = COUNT_BYTES + count * RUN_BYTES;
  // Each run is twice as long in the file and stands for a mark, so that the text has what is left of the file and the marks.
  const maxText = maxLength - count * (2 * RUN_BYTES - 1);
  if (frame > coded.length || maxText < count) throw new ProofError('a coded role is damaged');
  const text = applyDelta(coded.subarray(frame), dictionaryOf(base), maxText);
  return unmarkRuns({ text, runs: coded.subarray(COUNT_BYTES, frame) });
}

function dictionaryOf(base: Uint8Array): Uint8Array {
  const dictionary = new Uint8Array(base.length + LOOKUP_DICTIONARY.length);
  dictionary.set(base);
  dictionary.set(LOOKUP_DICTIONARY, base.length);
  return dictionary;
}

import { FormatError } from '../errors.ts';
import { type EntrySink, JsonReader } from './reader.ts';
import type { JsonValue } from './value.ts';

/** For {@link parseJson}. */
export interface ParseOptions {
  /** How many objects and arrays may stand inside each other; default 64. */
  readonly maxDepth?: number;
}

const DEFAULT_MAX_DEPTH = 64;

/**
 * Reads strict JSON: valid UTF-8 without a byte order mark, no name twice in an object, integers with |n| ≤ 2^53-1 only,
 * no lone surrogates, nothing after the end. Time and memory are linear in the length; limit the length before.
 * @throws FormatError
 */
export function parseJson(bytes: Uint8Array, options: ParseOptions = {}): JsonValue {
  return new JsonReader(decodeUtf8(bytes), options.maxDepth ?? DEFAULT_MAX_DEPTH).document();
}

export interface JsonDocument {
  readonly value: JsonValue;
  /** The exact bytes, as received, of a member of the top-level object. */
  slice(member: string): Uint8Array | undefined;
}

/**
 * As {@link parseJson}, and remembers where each member of the top-level object stands in the bytes.
 * @param entries takes the members of one object inside `signed` instead of the tree, where an empty object stands for them
 */
export function parseDocument(bytes: Uint8Array, entries?: EntrySink): JsonDocument {
  const text = decodeUtf8(bytes);
  const reader = new JsonReader(text, DEFAULT_MAX_DEPTH, entries);
  const value = reader.document();
  return {
    value,
    slice(member) {
      const span = reader.members.get(member);
      if (span === undefined) return undefined;
      // Strict decoding maps bytes to text one to one, so encoding the text before the member gives its offset.
      const ascii = text.length === bytes.length;
      const start = ascii ? span.start : utf8Length(text.slice(0, span.start));
      const end = ascii ? span.end : start + utf8Length(text.slice(span.start, span.end));
      return bytes.subarray(start, end);
    },
  };
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // ignoreBOM keeps a byte order mark as a character, which the reader then refuses.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError('document', 'not valid UTF-8', cause);
  }
}

import { FormatError } from '../errors.ts';
import type { EntryShape } from '../json/entry-table.ts';
import { readNatural, skipHex, skipMark, skipName, skipNatural, skipSpace } from '../json/scan.ts';
import { isJsonObject, type JsonValue } from '../json/value.ts';
import type { TargetFile } from '../model.ts';
import { parseHashes } from './common.ts';
import { asInteger, asObject } from './fields.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;
const SHA256_DIGITS = 64;

/** `{"hashes":{"sha256":"…"},"length":…}`: what nearly every target says and how canonical JSON orders it. */
export const TARGET_ENTRIES: EntryShape<TargetFile> = {
  member: 'targets',

  skip(text, start) {
    const length = lengthOffset(text, start);
    const end = length < 0 ? -1 : skipNatural(text, length);
    if (end < 0) return -1;
    const close = skipSpace(text, end);
    return text.charCodeAt(close) === CLOSE ? close + 1 : -1;
  },

  read(text, start) {
    const hash = hashOffset(text, start) + 1;
    const hashes = new Map([['sha256', text.slice(hash, hash + SHA256_DIGITS)]]);
    return { length: readNatural(text, lengthOffset(text, start)), hashes };
  },

  parse: parseTargetFile,
};

function hashOffset(text: string, start: number): number {
  let at = skipMark(text, start, OPEN);
  if (at >= 0) at = skipName(text, at, '"hashes"');
  if (at >= 0) at = skipMark(text, at, OPEN);
  return at < 0 ? -1 : skipName(text, at, '"sha256"');
}

function lengthOffset(text: string, start: number): number {
  let at = hashOffset(text, start);
  if (at >= 0) at = skipHex(text, at, SHA256_DIGITS);
  if (at >= 0) at = skipMark(text, at, CLOSE);
  if (at >= 0) at = skipMark(text, at, COMMA);
  return at < 0 ? -1 : skipName(text, at, '"length"');
}

function parseTargetFile(value: JsonValue): TargetFile {
  const object = asObject(value, 'signed.targets[]');
  const length = asInteger(object.get('length'), 0, 'signed.targets[].length');
  const hashes = parseHashes(object.get('hashes'), 'signed.targets[].hashes');
  const custom = object.get('custom');
  if (custom === undefined) return { length, hashes };
  if (!isJsonObject(custom)) throw new FormatError('signed.targets[].custom', 'should be an object');
  return { length, hashes, custom };
}

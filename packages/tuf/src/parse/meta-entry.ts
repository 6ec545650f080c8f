import type { EntryShape } from '../json/entry-table.ts';
import { readNatural, skipMark, skipName, skipNatural, skipSpace } from '../json/scan.ts';
import type { JsonValue } from '../json/value.ts';
import type { MetaFile } from '../model.ts';
import { parseHashes } from './common.ts';
import { asInteger, asObject } from './fields.ts';

/** `{"version":…}`: a snapshot of many roles lists nothing else. */
export const META_ENTRIES: EntryShape<MetaFile> = {
  member: 'meta',

  skip(text, start) {
    const at = versionOffset(text, start);
    // Version 0 is an error, and the general reader says so.
    const end = at < 0 || text.charCodeAt(at) === 0x30 ? -1 : skipNatural(text, at);
    if (end < 0) return -1;
    const close = skipSpace(text, end);
    return text.charCodeAt(close) === 0x7d ? close + 1 : -1;
  },

  read: (text, start) => ({ version: readNatural(text, versionOffset(text, start)) }),

  parse: parseMetaFile,
};

function versionOffset(text: string, start: number): number {
  const at = skipMark(text, start, 0x7b);
  return at < 0 ? -1 : skipName(text, at, '"version"');
}

/** @throws FormatError */
export function parseMetaFile(value: JsonValue | undefined): MetaFile {
  const object = asObject(value, 'signed.meta[]');
  const version = asInteger(object.get('version'), 1, 'signed.meta[].version');
  const length = object.get('length');
  const hashes = object.get('hashes');
  if (length === undefined && hashes === undefined) return { version };
  return {
    version,
    ...(length === undefined ? {} : { length: asInteger(length, 0, 'signed.meta[].length') }),
    ...(hashes === undefined ? {} : { hashes: parseHashes(hashes, 'signed.meta[].hashes') }),
  };
}

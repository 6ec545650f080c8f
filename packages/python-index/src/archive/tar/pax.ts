import { ArchiveFramingError } from '../../errors.ts';
import { decodeName } from './header.ts';

/** What extended headers can say about the entry after them. */
export interface Overrides {
  readonly path?: string;
  readonly linkPath?: string;
  readonly size?: number;
}

/**
 * Parses the records of a pax extended header: `LENGTH KEY=VALUE\n`, one after the other (POSIX.1-2017 pax, "Extended
 * Header"). Times, owners and comments are skipped.
 * @throws ArchiveFramingError also for sparse files: a small archive that becomes a huge file
 */
export function parsePax(bytes: Uint8Array): Overrides {
  const records = new Map<string, string>();
  let offset = 0;
  while (offset < bytes.length) {
    const length = /^([1-9]\d{0,8}) /.exec(String.fromCharCode(...bytes.subarray(offset, offset + 10)))?.[1];
    const end = offset + Number(length);
    const equals = bytes.indexOf(0x3d, offset);
    if (length === undefined || end > bytes.length || bytes[end - 1] !== 0x0a || equals < 0 || equals >= end)
      throw new ArchiveFramingError('a pax header is damaged');
    const key = decodeName(bytes.subarray(offset + length.length + 1, equals));
    if (records.has(key)) throw new ArchiveFramingError('a pax header says the same thing twice');
    const known = key === 'path' || key === 'linkpath' || key === 'size';
    records.set(key, known ? decodeName(bytes.subarray(equals + 1, end - 1)) : '');
    if (/^GNU\.sparse|^SUN\.holesdata|^hdrcharset$/.test(key))
      throw new ArchiveFramingError(`a pax header has ${key}: sparse files and other character sets are not accepted`);
    offset = end;
  }
  return readRecords(records);
}

function readRecords(records: ReadonlyMap<string, string>): Overrides {
  const [path, linkPath, size] = [records.get('path'), records.get('linkpath'), records.get('size')];
  for (const text of [path, linkPath])
    if (text !== undefined && (text === '' || text.includes('\0')))
      throw new ArchiveFramingError('a pax header has an empty or cut name');
  if (size !== undefined && !/^\d{1,15}$/.test(size)) throw new ArchiveFramingError('a pax header has a damaged size');
  return {
    ...(path !== undefined && { path }),
    ...(linkPath !== undefined && { linkPath }),
    ...(size !== undefined && { size: Number(size) }),
  };
}

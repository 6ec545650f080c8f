import { ArchiveFramingError, ArchivePathError } from '../../errors.ts';

/** One 512-byte header block (POSIX.1-2017 "ustar Interchange Format", and the GNU variant of it). */
export interface TarHeader {
  readonly name: string;
  readonly linkName: string;
  /** The type flag; `0` for a regular file, whichever way it was written. */
  readonly type: string;
  /** Bytes of content that follow, before padding. */
  readonly size: number;
}

export const BLOCK = 512;

/** @throws ArchiveFramingError when the checksum or a number is wrong, or the flavours of tar would read it differently */
export function parseHeader(block: Uint8Array): TarHeader {
  if (readNumber(block, 148, 8) !== checksum(block))
    throw new ArchiveFramingError('the checksum of a tar header is wrong');
  const type = readType(block[156] ?? 0);
  const name = readText(block, 0, 100);
  const prefix = readText(block, 345, 155);
  const magic = String.fromCharCode(...block.subarray(257, 265));
  const posix = magic === 'ustar\x0000';
  if (!posix && magic !== 'ustar  \0' && magic !== '\0'.repeat(8))
    throw new ArchiveFramingError('a tar header has an unknown format');
  // Only POSIX puts the directory there. GNU keeps times in that place, old tar nothing, and some readers don't care.
  if (!posix && prefix !== '') throw new ArchiveFramingError('a tar header that is not POSIX has a name prefix');
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: readText(block, 157, 100),
    type,
    size: readNumber(block, 124, 12),
  };
}

const readType = (byte: number): string => (byte === 0 ? '0' : String.fromCharCode(byte));

/** Sum of the bytes, the checksum itself counted as spaces. */
function checksum(block: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
  return sum;
}

/** Octal digits, surrounded by spaces and NULs; or GNU's base 256, marked by the highest bit. */
function readNumber(block: Uint8Array, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    if (!Number.isSafeInteger(value)) throw new ArchiveFramingError('a number in a tar header is absurdly large');
    return value;
  }
  const text = String.fromCharCode(...field);
  const digits = /^[ ]*([0-7]*)[ \0]*$/.exec(text)?.[1];
  if (digits === undefined) throw new ArchiveFramingError('a number in a tar header is damaged');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** Text up to the first NUL. */
function readText(block: Uint8Array, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decodeName(end < 0 ? field : field.subarray(0, end));
}

/** Names are UTF-8 (PEP 721 and POSIX pax agree); another encoding would give each reader another name. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ArchivePathError(String.fromCharCode(...bytes.subarray(0, 100)), 'its name is not UTF-8');
  }
}

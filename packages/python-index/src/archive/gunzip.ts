import { crc32, inflateRaw } from '#inflate';
import { ArchiveFramingError, PythonIndexError } from '../errors.ts';
import { type RandomAccess, readExactly, readRange } from './random-access.ts';

/** Largest gzip header that is read: real ones are 10 bytes and a file name. */
const MAX_HEADER = 4096;
const TRAILER = 8;

/**
 * Unpacks a gzip file (RFC 1952) of exactly one member that fills the file: readers differ on what follows the first
 * member. CRC and length are checked at the end, so the consumer must read to the end.
 * @throws ArchiveFramingError
 */
export async function* gunzip(source: RandomAccess): AsyncGenerator<Uint8Array> {
  const start = headerLength(await readExactly(source, 0, Math.min(MAX_HEADER, source.size)));
  const end = source.size - TRAILER;
  if (end <= start) throw new ArchiveFramingError('it ends within its gzip header');
  let crc = 0;
  let length = 0;
  try {
    for await (const chunk of inflateRaw(readRange(source, start, end), end - start)) {
      crc = crc32(chunk, crc);
      length += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof PythonIndexError) throw cause;
    throw new ArchiveFramingError('its gzip stream is damaged, cut, or followed by other bytes', { cause });
  }
  const trailer = await readExactly(source, end, TRAILER);
  const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER);
  // RFC 1952 §2.3.1: the length modulo 2^32.
  if (view.getUint32(0, true) !== crc || view.getUint32(4, true) !== length % 2 ** 32)
    throw new ArchiveFramingError('its gzip checksum does not fit its content');
}

/** RFC 1952 §2.3. */
function headerLength(bytes: Uint8Array): number {
  const [id1, id2, method, flags = 0] = bytes;
  if (id1 !== 0x1f || id2 !== 0x8b || method !== 8) throw new ArchiveFramingError('it is not a gzip file');
  if ((flags & 0b1110_0000) !== 0) throw new ArchiveFramingError('its gzip header has reserved flags');
  let length = 10;
  if ((flags & 4) !== 0) length += 2 + (bytes[10] ?? 0) + (bytes[11] ?? 0) * 256;
  for (const text of [8, 16]) if ((flags & text) !== 0) length = afterZero(bytes, length);
  if ((flags & 2) !== 0) length += 2;
  if (length >= bytes.length) throw new ArchiveFramingError('its gzip header is cut, or too long');
  return length;
}

function afterZero(bytes: Uint8Array, start: number): number {
  const zero = bytes.indexOf(0, start);
  if (zero < 0) throw new ArchiveFramingError('its gzip header is cut, or too long');
  return zero + 1;
}

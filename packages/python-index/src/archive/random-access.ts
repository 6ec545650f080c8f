import { ArchiveFramingError } from '../errors.ts';

/** Bytes that can be read at any place: a file, a buffer, ranges of an object in a store. */
export interface RandomAccess {
  /** Bytes. Does not change while the source is read. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset`; the caller stays within `size`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): RandomAccess {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

/** Reads `length` bytes, or refuses when the archive is too short for them. */
export async function readExactly(source: RandomAccess, offset: number, length: number): Promise<Uint8Array> {
  if (offset < 0 || length < 0 || offset + length > source.size)
    throw new ArchiveFramingError('it ends before what it announces');
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) throw new ArchiveFramingError('it became shorter while it was read');
  return bytes;
}

/** Bytes fetched at once by a reader that walks forward. */
const WINDOW = 64 * 1024;

/** A source for many small reads at rising offsets: it fetches windows, so that a walk over headers costs few reads. */
export function windowed(source: RandomAccess): RandomAccess {
  let start = 0;
  let window: Uint8Array = new Uint8Array();
  return {
    size: source.size,
    async read(offset, length) {
      if (length > WINDOW) return await readExactly(source, offset, length);
      if (offset < start || offset + length > start + window.length) {
        window = await readExactly(source, offset, Math.min(WINDOW, source.size - offset));
        start = offset;
      }
      return window.subarray(offset - start, offset - start + length);
    },
  };
}

/** The bytes from `start` up to `end`, in pieces. */
export async function* readRange(source: RandomAccess, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let offset = start; offset < end; offset += WINDOW)
    yield await readExactly(source, offset, Math.min(WINDOW, end - offset));
}

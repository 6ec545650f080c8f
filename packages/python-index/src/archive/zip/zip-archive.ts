import { crc32, inflateRaw } from '#inflate';
import { ArchiveFramingError, ArchiveLimitError, quote } from '../../errors.ts';
import type { ArchiveLimits } from '../limits.ts';
import { type RandomAccess, readExactly } from '../random-access.ts';
import { type ZipEntry, readDirectory } from './central-directory.ts';
import { findDirectory } from './end-record.ts';
import { checkLocalHeaders } from './local-headers.ts';

/** A ZIP archive whose framing was checked completely. Contents are checked when they are read. */
export interface ZipArchive {
  readonly entries: readonly ZipEntry[];
  /** Unpacks one entry, at most `maxLength` bytes of it. `limit` names the limit in the error. */
  read(
    entry: ZipEntry,
    limit: 'metadataBytes' | 'recordBytes' | 'unpackedBytes',
    maxLength: number,
  ): Promise<Uint8Array>;
}

/**
 * Opens a ZIP archive strictly: one way to read it, or none.
 * @throws ArchiveFramingError, ArchivePathError, ArchiveLimitError
 */
export async function openZip(source: RandomAccess, limits: ArchiveLimits): Promise<ZipArchive> {
  const place = await findDirectory(source);
  const entries = await readDirectory(source, place, limits);
  const contents = await checkLocalHeaders(source, entries, place.offset);
  return {
    entries,
    async read(entry, limit, maxLength) {
      if (entry.unpacked > maxLength || entry.packed > maxLength)
        throw new ArchiveLimitError(
          limit,
          `the file ${quote(entry.path)} in the archive is larger than ${maxLength} bytes`,
        );
      const start = contents.get(entry);
      if (start === undefined) throw new TypeError('the entry belongs to another archive');
      const packed = await readExactly(source, start, entry.packed);
      const content = entry.method === 0 ? packed : await unpack(entry, packed);
      if (content.length !== entry.unpacked || crc32(content) !== entry.crc32)
        throw new ArchiveFramingError(`the content of the entry ${quote(entry.path)} is not what its header says`);
      return content;
    },
  };
}

/** Stops at the announced length, whatever the stream still holds. */
async function unpack(entry: ZipEntry, packed: Uint8Array): Promise<Uint8Array> {
  const content = new Uint8Array(entry.unpacked);
  let length = 0;
  try {
    for await (const piece of inflateRaw(inOnePiece(packed), packed.length)) {
      // Throws a RangeError when there is more than announced.
      content.set(piece, length);
      length += piece.length;
    }
  } catch (cause) {
    throw new ArchiveFramingError(`the entry ${quote(entry.path)} cannot be unpacked`, { cause });
  }
  return content.subarray(0, length);
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

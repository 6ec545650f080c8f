import { ArchiveFramingError, ArchiveLimitError, ArchivePathError, quote } from '../../errors.ts';
import { EntryPaths, checkPath } from '../entry-paths.ts';
import { type ArchiveLimits, checkEntries, checkUnpacked } from '../limits.ts';
import { type RandomAccess, readExactly } from '../random-access.ts';
import { viewOf } from './bytes.ts';
import type { DirectoryPlace } from './end-record.ts';
import { applyExtraFields } from './extra-fields.ts';

/** One file or directory of the archive, as the central directory has it. Sizes in bytes. */
export interface ZipEntry {
  /** Without the `/` that ends a directory's name. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly nameBytes: Uint8Array;
  readonly flags: number;
  /** 0 stored, 8 deflate. */
  readonly method: 0 | 8;
  readonly crc32: number;
  readonly packed: number;
  readonly unpacked: number;
  /** Of the local header. */
  readonly offset: number;
  /** In MS-DOS format (§4.4.6): the date in the upper 16 bits, the time in the lower. */
  readonly modified: number;
  /** External attributes (§4.4.15); the upper 16 bits are a Unix mode, or 0. */
  readonly attributes: number;
}

const HEADER_SIZE = 46;
/** 100 000 entries with long names are about 30 MB. */
const MAX_DIRECTORY_BYTES = 32 * 1024 ** 2;
/** Deflate options (1, 2), data descriptor (3), UTF-8 name (11). Everything else is encryption, patches or reserved (§4.4.4). */
const KNOWN_FLAGS = 0b1000_0000_1110;
const FLAG_UTF8 = 1 << 11;
/** Deflate cannot pack better than this; a better ratio is a lie about one of the sizes. */
const DEFLATE_LIMIT = 1032;

/** Reads the whole central directory (APPNOTE §4.3.12), checking every path and the declared sizes. */
export async function readDirectory(
  source: RandomAccess,
  place: DirectoryPlace,
  limits: ArchiveLimits,
): Promise<readonly ZipEntry[]> {
  checkEntries(limits, place.entries);
  if (place.size > MAX_DIRECTORY_BYTES)
    throw new ArchiveLimitError(
      'directoryBytes',
      `the archive's list of entries is larger than ${MAX_DIRECTORY_BYTES} bytes`,
    );
  const bytes = await readExactly(source, place.offset, place.size);
  const paths = new EntryPaths();
  const entries: ZipEntry[] = [];
  let offset = 0;
  let unpacked = 0;
  while (entries.length < place.entries) {
    const { entry, length } = readEntry(bytes.subarray(offset));
    offset += length;
    unpacked += entry.unpacked;
    checkUnpacked(limits, unpacked, source.size);
    paths.add(entry.path, checkPath(entry.path), entry.kind === 'file' ? 'leaf' : 'directory');
    entries.push(entry);
  }
  if (offset !== bytes.length) throw new ArchiveFramingError('its central directory has more than its entries');
  return entries;
}

function readEntry(bytes: Uint8Array): { entry: ZipEntry; length: number } {
  if (bytes.length < HEADER_SIZE) throw new ArchiveFramingError('its central directory has fewer entries than it says');
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== 0x02014b50) throw new ArchiveFramingError('its central directory is damaged');
  const flags = view.getUint16(8, true);
  const method = view.getUint16(10, true);
  const nameEnd = HEADER_SIZE + view.getUint16(28, true);
  const extraEnd = nameEnd + view.getUint16(30, true);
  const length = extraEnd + view.getUint16(32, true);
  if (length > bytes.length) throw new ArchiveFramingError('an entry of its central directory is cut');
  const nameBytes = bytes.subarray(HEADER_SIZE, nameEnd);
  const name = decodeName(nameBytes, flags);
  const refuse = (reason: string): never => {
    throw new ArchiveFramingError(`the entry ${quote(name)} ${reason}`);
  };
  if ((flags & ~KNOWN_FLAGS) !== 0) return refuse('is encrypted, or uses features that no wheel has');
  if (method !== 0 && method !== 8)
    return refuse(`is packed with method ${method}; only stored and deflate are accepted`);
  if (view.getUint16(34, true) !== 0) return refuse('stands on another volume');
  const declared = {
    unpacked: view.getUint32(24, true),
    packed: view.getUint32(20, true),
    offset: view.getUint32(42, true),
  };
  const { packed, unpacked, offset } = applyExtraFields(bytes.subarray(nameEnd, extraEnd), declared, 'central');
  const kind = name.endsWith('/') ? 'directory' : 'file';
  const attributes = view.getUint32(38, true);
  checkType(name, kind, attributes >>> 16);
  if (method === 0 && packed !== unpacked) return refuse('is stored, but its sizes differ');
  if (unpacked > packed * DEFLATE_LIMIT) return refuse('claims to unpack to more than deflate can hold');
  if (kind === 'directory' && unpacked !== 0) return refuse('is a directory with content');
  const path = kind === 'directory' ? name.slice(0, -1) : name;
  const crc32 = view.getUint32(16, true);
  const modified = ((view.getUint16(14, true) << 16) | view.getUint16(12, true)) >>> 0;
  const written = { nameBytes, flags, method, modified, attributes } as const;
  return { length, entry: { path, kind, ...written, crc32, packed, unpacked, offset } };
}

/** Without the UTF-8 flag, readers take other characters than ASCII for those of one code page or another. */
function decodeName(bytes: Uint8Array, flags: number): string {
  if ((flags & FLAG_UTF8) === 0 && bytes.some((byte) => byte > 0x7f))
    throw new ArchiveFramingError('the name of an entry is neither ASCII nor marked as UTF-8');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ArchiveFramingError('the name of an entry is not UTF-8', { cause });
  }
}

/** The upper half of the external attributes is a Unix file mode, or 0. Links and devices have no place in a wheel. */
function checkType(name: string, kind: ZipEntry['kind'], mode: number): void {
  const type = mode & 0o170000;
  if (type !== 0 && type !== (kind === 'directory' ? 0o040000 : 0o100000))
    throw new ArchivePathError(name, 'it is neither a regular file nor a directory');
}

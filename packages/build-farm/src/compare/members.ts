import { createHash } from 'node:crypto';
import { type ArchiveLimits, bytesSource, DEFAULT_LIMITS, openZip, type ZipEntry } from '@holdfast/python-index';

/** One file or directory of a wheel. */
export interface Member {
  readonly path: string;
  /** Bytes, unpacked. */
  readonly size: number;
  /** Bytes in the archive. */
  readonly packed: number;
  readonly sha256: string;
  /** `2026-02-03 04:05:06`, in the time zone of whoever wrote it; to two seconds. */
  readonly modified: string;
  /** Unix mode in octal, or what other attributes there are. */
  readonly mode: string;
  readonly content: Uint8Array;
}

/** What the comparison of two wheels may unpack, of each. */
const COMPARED: ArchiveLimits = { ...DEFAULT_LIMITS, unpackedBytes: 1024 ** 3 };

/**
 * The members of a wheel in the order of its directory, each unpacked.
 * @throws ArchiveError when it is no sound ZIP archive, or a bomb
 */
export async function readMembers(bytes: Uint8Array, limits: Partial<ArchiveLimits> = {}): Promise<readonly Member[]> {
  const bounds = { ...COMPARED, ...limits };
  const archive = await openZip(bytesSource(bytes), bounds);
  const members: Member[] = [];
  for (const entry of archive.entries) {
    const content = await archive.read(entry, 'unpackedBytes', bounds.unpackedBytes);
    members.push(memberOf(entry, content));
  }
  return members;
}

function memberOf({ path, kind, packed, modified, attributes }: ZipEntry, content: Uint8Array): Member {
  return {
    path: kind === 'directory' ? `${path}/` : path,
    size: content.length,
    packed,
    sha256: createHash('sha256').update(content).digest('hex'),
    modified: dosTime(modified),
    mode: `${(attributes >>> 16).toString(8)}${(attributes & 0xffff) === 0 ? '' : `+${(attributes & 0xffff).toString(16)}`}`,
    content,
  };
}

/** APPNOTE §4.4.6. */
function dosTime(value: number): string {
  const [date, time] = [value >>> 16, value & 0xffff];
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${1980 + (date >>> 9)}-${two((date >>> 5) & 15)}-${two(date & 31)}`;
  return `${day} ${two(time >>> 11)}:${two((time >>> 5) & 63)}:${two((time & 31) * 2)}`;
}

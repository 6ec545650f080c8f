import { ArchiveFramingError } from '../../errors.ts';
import { readSize64, viewOf } from './bytes.ts';

/** The three numbers that ZIP64 can move into an extra field. */
export interface Sizes {
  readonly unpacked: number;
  readonly packed: number;
  readonly offset: number;
}

/** Info-ZIP Unicode path: a second name for the entry, which some readers prefer. */
const UNICODE_PATH = 0x7075;
const ZIP64 = 0x0001;
const SATURATED = 0xffffffff;

/**
 * Reads the extra fields of a header (APPNOTE §4.5) and puts in the ZIP64 numbers (§4.5.3): exactly those whose 32-bit
 * field is saturated, nothing more and nothing less. Readers differ on anything else (CVE-2025-54368).
 */
export function applyExtraFields(
  extra: Uint8Array,
  sizes: Sizes,
  header: 'central' | 'local',
): Sizes & { zip64: boolean } {
  const zip64 = findZip64(extra);
  const wanted = (['unpacked', 'packed', 'offset'] as const).filter((field) => sizes[field] === SATURATED);
  if (!zip64) {
    if (wanted.length > 0) throw new ArchiveFramingError('an entry lacks its ZIP64 sizes');
    return { ...sizes, zip64: false };
  }
  // §4.5.3: a local header has both sizes, even when only one is needed.
  if (header === 'local' && (wanted.length === 1 || zip64.length !== 16))
    throw new ArchiveFramingError('the ZIP64 sizes of a local header are incomplete');
  if (header === 'local' && wanted.length === 0) return { ...sizes, zip64: true };
  if (zip64.length !== wanted.length * 8)
    throw new ArchiveFramingError('the ZIP64 sizes of an entry do not fit its header');
  const view = viewOf(zip64);
  const found = Object.fromEntries(wanted.map((field, index) => [field, readSize64(view, index * 8)]));
  return { ...sizes, ...found, zip64: true };
}

function findZip64(extra: Uint8Array): Uint8Array | undefined {
  const view = viewOf(extra);
  let zip64: Uint8Array | undefined;
  let offset = 0;
  while (offset < extra.length) {
    if (offset + 4 > extra.length) throw new ArchiveFramingError('the extra fields of an entry are cut');
    const id = view.getUint16(offset, true);
    const end = offset + 4 + view.getUint16(offset + 2, true);
    if (end > extra.length) throw new ArchiveFramingError('an extra field of an entry is longer than its room');
    if (id === UNICODE_PATH) throw new ArchiveFramingError('an entry has two names');
    if (id === ZIP64 && zip64) throw new ArchiveFramingError('an entry has its ZIP64 sizes twice');
    if (id === ZIP64) zip64 = extra.subarray(offset + 4, end);
    offset = end;
  }
  return zip64;
}

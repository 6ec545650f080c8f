import { ArchiveFramingError, quote } from '../../errors.ts';
import { type RandomAccess, readExactly, windowed } from '../random-access.ts';
import { equalBytes, viewOf } from './bytes.ts';
import type { ZipEntry } from './central-directory.ts';
import { applyExtraFields } from './extra-fields.ts';

const HEADER_SIZE = 30;
const FLAG_DESCRIPTOR = 1 << 3;

/**
 * Walks the archive from its first byte to the central directory: local header, content, data descriptor, next local
 * header, with no byte between or before. So a reader that streams (and never sees the central directory) finds the same
 * entries as one that does not, nothing is hidden between, and no two entries share their content.
 * @returns where the content of each entry begins
 */
export async function checkLocalHeaders(
  source: RandomAccess,
  entries: readonly ZipEntry[],
  directoryOffset: number,
): Promise<ReadonlyMap<ZipEntry, number>> {
  const walker = windowed(source);
  const contents = new Map<ZipEntry, number>();
  let position = 0;
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (entry.offset !== position)
      throw new ArchiveFramingError(`bytes before the entry ${quote(entry.path)} belong to no entry, or to two`);
    const { content, zip64 } = await checkLocalHeader(walker, entry);
    contents.set(entry, content);
    position = content + entry.packed;
    if ((entry.flags & FLAG_DESCRIPTOR) !== 0) position = await checkDescriptor(walker, entry, position, zip64);
    if (position > directoryOffset)
      throw new ArchiveFramingError(`the entry ${quote(entry.path)} reaches into the central directory`);
  }
  if (position !== directoryOffset)
    throw new ArchiveFramingError('bytes before its central directory belong to no entry');
  return contents;
}

/** APPNOTE §4.3.7. Everything that both headers say must agree. */
async function checkLocalHeader(source: RandomAccess, entry: ZipEntry): Promise<{ content: number; zip64: boolean }> {
  const disagree = (): never => {
    throw new ArchiveFramingError(`the two headers of the entry ${quote(entry.path)} disagree`);
  };
  const view = viewOf(await readExactly(source, entry.offset, HEADER_SIZE));
  if (view.getUint32(0, true) !== 0x04034b50)
    throw new ArchiveFramingError(`the entry ${quote(entry.path)} has no local header`);
  const crc32 = view.getUint32(14, true);
  const nameLength = view.getUint16(26, true);
  const extraLength = view.getUint16(28, true);
  const [packed, unpacked] = [view.getUint32(18, true), view.getUint32(22, true)];
  if (view.getUint16(6, true) !== entry.flags || view.getUint16(8, true) !== entry.method) return disagree();
  const rest = await readExactly(source, entry.offset + HEADER_SIZE, nameLength + extraLength);
  if (!equalBytes(rest.subarray(0, nameLength), entry.nameBytes)) return disagree();
  const local = applyExtraFields(rest.subarray(nameLength), { unpacked, packed, offset: 0 }, 'local');
  const same = local.packed === entry.packed && local.unpacked === entry.unpacked && crc32 === entry.crc32;
  // With a data descriptor, a writer that could not know them yet leaves all three 0 (§4.4.4, bit 3).
  const later = (entry.flags & FLAG_DESCRIPTOR) !== 0 && crc32 === 0 && local.packed === 0 && local.unpacked === 0;
  if (!same && !later) return disagree();
  return { content: entry.offset + HEADER_SIZE + nameLength + extraLength, zip64: local.zip64 };
}

/**
 * APPNOTE §4.3.9: CRC and sizes after the content. The signature before it is optional in the specification and always
 * there in practice; without it nothing tells the two forms apart for sure, so it is required.
 */
async function checkDescriptor(source: RandomAccess, entry: ZipEntry, offset: number, zip64: boolean): Promise<number> {
  const length = zip64 ? 24 : 16;
  const view = viewOf(await readExactly(source, offset, length));
  const packed = zip64 ? view.getBigUint64(8, true) : BigInt(view.getUint32(8, true));
  const unpacked = zip64 ? view.getBigUint64(16, true) : BigInt(view.getUint32(12, true));
  const same =
    view.getUint32(0, true) === 0x08074b50 &&
    view.getUint32(4, true) === entry.crc32 &&
    packed === BigInt(entry.packed) &&
    unpacked === BigInt(entry.unpacked);
  if (!same)
    throw new ArchiveFramingError(`the data descriptor of the entry ${quote(entry.path)} disagrees with its header`);
  return offset + length;
}

import { ArchiveFramingError } from '../../errors.ts';
import { type RandomAccess, readExactly } from '../random-access.ts';
import { readSize64, viewOf } from './bytes.ts';

/** Where the central directory is. Sections are those of PKWARE's APPNOTE 6.3.10. */
export interface DirectoryPlace {
  readonly offset: number;
  readonly size: number;
  readonly entries: number;
}

const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const END64_SIZE = 56;

/**
 * Finds the end of central directory record (§4.3.16), which must be the file's last 22 bytes: with a comment, or bytes
 * after it, readers that search for it from different sides find different directories.
 */
export async function findDirectory(source: RandomAccess): Promise<DirectoryPlace> {
  if (source.size < END_SIZE) throw new ArchiveFramingError('it is too short for a ZIP archive');
  const endOffset = source.size - END_SIZE;
  const view = viewOf(await readExactly(source, endOffset, END_SIZE));
  if (view.getUint32(0, true) !== 0x06054b50 || view.getUint16(20, true) !== 0)
    throw new ArchiveFramingError('it does not end with a ZIP end record; bytes or a comment may follow it');
  if (view.getUint16(4, true) !== 0 || view.getUint16(6, true) !== 0)
    throw new ArchiveFramingError('it is one part of a ZIP archive in several');
  const entries = view.getUint16(10, true);
  if (view.getUint16(8, true) !== entries) throw new ArchiveFramingError('its entry counts differ');
  const place = { entries, size: view.getUint32(12, true), offset: view.getUint32(16, true) };
  const extended = await findEnd64(source, endOffset);
  const saturated = { entries: 0xffff, size: 0xffffffff, offset: 0xffffffff };
  if (!extended) {
    if (place.entries === saturated.entries || place.size === saturated.size || place.offset === saturated.offset)
      throw new ArchiveFramingError('its ZIP64 end record is missing');
    return checkPlace(place, endOffset);
  }
  // §4.4.1.4: a field is either saturated, and ZIP64 counts, or must say the same as ZIP64.
  for (const field of ['entries', 'size', 'offset'] as const)
    if (place[field] !== saturated[field] && place[field] !== extended.place[field])
      throw new ArchiveFramingError('its end record and its ZIP64 end record disagree');
  return checkPlace(extended.place, extended.at);
}

/** §4.3.14 and §4.3.15. A reader may follow the locator whenever it stands there, so it is never overlooked here. */
async function findEnd64(
  source: RandomAccess,
  endOffset: number,
): Promise<{ place: DirectoryPlace; at: number } | undefined> {
  if (endOffset < LOCATOR_SIZE) return undefined;
  const locator = viewOf(await readExactly(source, endOffset - LOCATOR_SIZE, LOCATOR_SIZE));
  if (locator.getUint32(0, true) !== 0x07064b50) return undefined;
  const at = readSize64(locator, 8);
  if (locator.getUint32(4, true) !== 0 || locator.getUint32(16, true) !== 1)
    throw new ArchiveFramingError('it is one part of a ZIP archive in several');
  if (at + END64_SIZE !== endOffset - LOCATOR_SIZE)
    throw new ArchiveFramingError('its ZIP64 end record does not stand before its locator');
  const view = viewOf(await readExactly(source, at, END64_SIZE));
  if (view.getUint32(0, true) !== 0x06064b50 || readSize64(view, 4) !== END64_SIZE - 12)
    throw new ArchiveFramingError('its ZIP64 end record is damaged');
  if (view.getUint32(16, true) !== 0 || view.getUint32(20, true) !== 0)
    throw new ArchiveFramingError('it is one part of a ZIP archive in several');
  const entries = readSize64(view, 32);
  if (readSize64(view, 24) !== entries) throw new ArchiveFramingError('its entry counts differ');
  return { at, place: { entries, size: readSize64(view, 40), offset: readSize64(view, 48) } };
}

function checkPlace(place: DirectoryPlace, end: number): DirectoryPlace {
  if (place.offset + place.size !== end)
    throw new ArchiveFramingError('its central directory does not end where its end record begins');
  return place;
}

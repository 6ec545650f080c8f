import { checkPath, EntryPaths } from '../archive/entry-paths.ts';
import { gunzip } from '../archive/gunzip.ts';
import { type ArchiveLimits, checkUnpacked } from '../archive/limits.ts';
import type { RandomAccess } from '../archive/random-access.ts';
import { checkHardLink, checkSymlink } from '../archive/tar/link-target.ts';
import { type TarEntry, walkTar } from '../archive/tar/walk-tar.ts';
import { ArchiveContentError, ArchiveLimitError, ArchivePathError } from '../errors.ts';

/**
 * Checks an sdist (PEP 625, PEP 721): one top directory, named like the file, with a PKG-INFO that is a regular file.
 * @returns the bytes of PKG-INFO
 */
export async function readSdist(source: RandomAccess, filename: string, limits: ArchiveLimits): Promise<Uint8Array> {
  const top = filename.slice(0, -'.tar.gz'.length);
  const paths = new EntryPaths();
  let metadata: Uint8Array | undefined;
  await walkTar(counted(gunzip(source), source.size, limits), limits, async (entry, read) => {
    const segments = checkPath(entry.path);
    if (segments[0] !== top || (segments.length === 1 && entry.kind !== 'directory'))
      throw new ArchivePathError(entry.path, `everything in this sdist must stand in the directory ${top}`);
    checkLink(entry, top, segments.length);
    paths.add(entry.path, segments, entry.kind === 'directory' ? 'directory' : 'leaf');
    if (segments.length === 2 && segments[1]?.toLowerCase() === 'pkg-info')
      metadata = await readPkgInfo(entry, read, limits);
  });
  if (!metadata) throw new ArchiveContentError(`${top}/PKG-INFO is missing; make sdists with a build tool`);
  return metadata;
}

/** Stops an archive bomb while it unpacks. */
async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  packed: number,
  limits: ArchiveLimits,
): AsyncGenerator<Uint8Array> {
  let unpacked = 0;
  for await (const piece of pieces) {
    unpacked += piece.length;
    checkUnpacked(limits, unpacked, packed);
    yield piece;
  }
}

function checkLink(entry: TarEntry, top: string, depth: number): void {
  if (entry.kind === 'symlink') checkSymlink(entry.path, depth, entry.linkPath);
  if (entry.kind === 'hardlink') checkHardLink(entry.path, top, entry.linkPath);
}

/** On a file system that ignores case, `pkg-info` would be PKG-INFO: another spelling is refused. */
async function readPkgInfo(
  entry: TarEntry,
  read: () => Promise<Uint8Array>,
  limits: ArchiveLimits,
): Promise<Uint8Array> {
  if (!entry.path.endsWith('/PKG-INFO')) throw new ArchivePathError(entry.path, 'it could be taken for PKG-INFO');
  if (entry.kind !== 'file') throw new ArchivePathError(entry.path, 'PKG-INFO must be a regular file');
  if (entry.size > limits.metadataBytes)
    throw new ArchiveLimitError('metadataBytes', `PKG-INFO is larger than ${limits.metadataBytes} bytes`);
  return await read();
}

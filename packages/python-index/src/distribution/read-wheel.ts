import type { ArchiveLimits } from '../archive/limits.ts';
import type { RandomAccess } from '../archive/random-access.ts';
import type { ZipEntry } from '../archive/zip/central-directory.ts';
import { type ZipArchive, openZip } from '../archive/zip/zip-archive.ts';
import { ArchiveContentError, ArchivePathError, PythonIndexError, quote } from '../errors.ts';
import { parseHeaders } from '../metadata/headers.ts';
import type { WheelFilename } from '../names/filename.ts';
import { normalizeName } from '../names/project-name.ts';
import { normalizeVersion } from '../names/version.ts';
import { checkRecord } from './record.ts';

/**
 * Checks a wheel (binary distribution format, PEP 427): one `{name}-{version}.dist-info` with WHEEL, METADATA and RECORD,
 * and a RECORD that lists exactly the files of the archive.
 * @returns the bytes of METADATA
 */
export async function readWheel(
  source: RandomAccess,
  wheel: WheelFilename,
  limits: ArchiveLimits,
): Promise<Uint8Array> {
  const archive = await openZip(source, limits);
  const directory = findDistInfo(archive, wheel);
  const files = new Map(archive.entries.filter((entry) => entry.kind === 'file').map((entry) => [entry.path, entry]));
  checkSpellings(files.keys(), directory);
  const read = async (name: string, limit: 'metadataBytes' | 'recordBytes'): Promise<Uint8Array> => {
    const entry: ZipEntry | undefined = files.get(`${directory}/${name}`);
    if (!entry) throw new ArchiveContentError(`${directory}/${name} is missing`);
    return await archive.read(entry, limit, limits[limit]);
  };
  checkWheelFile(await read('WHEEL', 'metadataBytes'));
  checkRecord(await read('RECORD', 'recordBytes'), directory, new Set(files.keys()));
  return await read('METADATA', 'metadataBytes');
}

/** The only top directory that ends in `.dist-info`, checked against the filename in normal forms as pip and uv do. */
function findDistInfo(archive: ZipArchive, wheel: WheelFilename): string {
  const tops = new Set(archive.entries.map((entry) => entry.path.split('/', 1)[0] ?? ''));
  const found = [...tops].filter((top) => top.toLowerCase().endsWith('.dist-info'));
  const [directory] = found;
  if (directory === undefined) throw new ArchiveContentError('it has no .dist-info directory');
  if (found.length > 1) throw new ArchiveContentError('it has several .dist-info directories');
  const stem = directory.slice(0, -'.dist-info'.length);
  const dash = stem.lastIndexOf('-');
  const matches = (): boolean =>
    normalizeName(stem.slice(0, dash)) === wheel.project &&
    normalizeVersion(stem.slice(dash + 1)) === wheel.normalizedVersion;
  if (!directory.endsWith('.dist-info') || dash < 0 || !isTrue(matches))
    throw new ArchiveContentError(
      `its directory ${quote(directory)} belongs to another project or version than its filename (${wheel.project} ${wheel.normalizedVersion})`,
    );
  return directory;
}

function isTrue(check: () => boolean): boolean {
  try {
    return check();
  } catch (cause) {
    if (cause instanceof PythonIndexError) return false;
    throw cause;
  }
}

/** On a file system that ignores case, a second spelling would overwrite what installers read. */
function checkSpellings(paths: Iterable<string>, directory: string): void {
  const seen = new Set<string>();
  for (const path of paths) {
    const folded = path.normalize('NFKC').toLowerCase();
    if (!folded.startsWith(`${directory.toLowerCase()}/`)) continue;
    if (seen.has(folded)) throw new ArchivePathError(path, 'it differs from another entry only in case');
    seen.add(folded);
  }
}

/** Installers refuse a newer major version of the format, and so do we, before anybody meets it. */
function checkWheelFile(bytes: Uint8Array): void {
  const [version, ...more] = parseHeaders(bytes).fields.get('wheel-version') ?? [];
  if (version === undefined || more.length > 0 || !/^1\.\d{1,3}$/.test(version))
    throw new ArchiveContentError(`its wheel version ${quote(version ?? '')} is unknown; 1.0 is expected`);
}

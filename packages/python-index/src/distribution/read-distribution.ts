import { DEFAULT_LIMITS, type ArchiveLimits } from '../archive/limits.ts';
import type { RandomAccess } from '../archive/random-access.ts';
import { InvalidFilenameError, MetadataMismatchError, PythonIndexError } from '../errors.ts';
import { type CoreMetadata, parseCoreMetadata } from '../metadata/core-metadata.ts';
import { type DistributionFilename, parseDistributionFilename } from '../names/filename.ts';
import { parseFilenameOf } from '../names/lenient-filename.ts';
import { type ProjectName, normalizeName } from '../names/project-name.ts';
import { normalizeVersion } from '../names/version.ts';
import { readSdist } from './read-sdist.ts';
import { readWheel } from './read-wheel.ts';

/** The core metadata of a distribution: its exact bytes, which PEP 658 serves, and what they say. */
export interface DistributionMetadata {
  readonly metadata: Uint8Array;
  readonly fields: CoreMetadata;
}

/**
 * Checks a wheel or sdist from end to end and takes its METADATA or PKG-INFO out. The archive must have one reading only,
 * stay within the limits, hold what its type must hold, and be the project and version that its filename says.
 * @throws InvalidFilenameError, ArchiveError (its subclasses), InvalidMetadataError, MetadataMismatchError
 */
export async function readDistributionMetadata(
  source: RandomAccess,
  filename: string,
  limits?: Partial<ArchiveLimits>,
): Promise<DistributionMetadata> {
  const parsed = parseDistributionFilename(filename);
  const bounds = { ...DEFAULT_LIMITS, ...limits };
  const metadata =
    parsed.kind === 'wheel' ? await readWheel(source, parsed, bounds) : await readSdist(source, filename, bounds);
  const fields = parseCoreMetadata(metadata);
  checkIdentity(filename, parsed, fields);
  return { metadata, fields };
}

/**
 * The same for a file of an older index: an sdist's name may also be one of before PEP 625, which is understood with the
 * name that stands inside. It must be a `.tar.gz`.
 * @throws as {@link readDistributionMetadata}
 */
export async function readLegacyDistribution(
  source: RandomAccess,
  filename: string,
  limits?: Partial<ArchiveLimits>,
): Promise<DistributionMetadata & { readonly name: DistributionFilename }> {
  if (filename.endsWith('.whl'))
    return {
      ...(await readDistributionMetadata(source, filename, limits)),
      name: parseDistributionFilename(filename),
    };
  if (!filename.endsWith('.tar.gz'))
    throw new InvalidFilenameError(filename, 'only wheels and .tar.gz can be looked into');
  const metadata = await readSdist(source, filename, { ...DEFAULT_LIMITS, ...limits });
  const fields = parseCoreMetadata(metadata);
  const name = parseFilenameOf(normalizeName(fields.name), filename);
  checkIdentity(filename, name, fields);
  return { metadata, fields, name };
}

/** Spellings may differ, the normal forms may not. */
function checkIdentity(filename: string, parsed: DistributionFilename, fields: CoreMetadata): void {
  if (normalized(() => normalizeName(fields.name)) !== parsed.project)
    throw new MetadataMismatchError(filename, 'Name', parsed.project, fields.name);
  if (normalized(() => normalizeVersion(fields.version)) !== parsed.normalizedVersion)
    throw new MetadataMismatchError(filename, 'Version', parsed.normalizedVersion, fields.version);
}

function normalized(read: () => ProjectName | string): string | undefined {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof PythonIndexError) return undefined;
    throw cause;
  }
}

import { InvalidFilenameError, PythonIndexError } from '../errors.ts';
import { type ProjectName, normalizeName } from './project-name.ts';
import { normalizeVersion } from './version.ts';

/**
 * Longest filename, in characters (all ASCII, so bytes). `<sha256>.<filename>.metadata` must fit into the 255 bytes that
 * file systems give a name.
 */
export const MAX_FILENAME_LENGTH = 180;

interface FilenameParts {
  readonly project: ProjectName;
  /** The version as it is spelled in the filename. */
  readonly version: string;
  /** The normal form of `version` (PEP 440). */
  readonly normalizedVersion: string;
}

/** `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl` */
export interface WheelFilename extends FilenameParts {
  readonly kind: 'wheel';
  readonly build?: string;
  /** Compressed tag sets (PEP 425): `py2.py3`. */
  readonly pythonTag: string;
  readonly abiTag: string;
  readonly platformTag: string;
}

/** `{name}-{version}.tar.gz` */
export interface SdistFilename extends FilenameParts {
  readonly kind: 'sdist';
}

export type DistributionFilename = WheelFilename | SdistFilename;

const WHEEL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?$/;
const BUILD = /^\d[A-Za-z0-9_.]*$/;
const TAGS = /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/;

/**
 * Takes the name of a wheel (PEP 427, PEP 491, binary distribution format) or an sdist (PEP 625) apart.
 *
 * An sdist's name must be the normal one, letter by letter. A wheel's may keep upper case and dots, as consumers must
 * accept. Eggs, `.zip` sdists and installers are refused (PEP 527, PEP 715).
 * @throws InvalidFilenameError
 */
export function parseDistributionFilename(filename: string): DistributionFilename {
  if (filename.length > MAX_FILENAME_LENGTH)
    throw new InvalidFilenameError(filename, `it is longer than ${MAX_FILENAME_LENGTH} characters`);
  if (!/^[A-Za-z0-9][A-Za-z0-9._+!-]*$/.test(filename))
    throw new InvalidFilenameError(filename, 'it has characters other than ASCII letters, digits and . _ + ! -');
  try {
    if (filename.endsWith('.whl')) return parseWheel(filename, filename.slice(0, -4));
    if (filename.endsWith('.tar.gz')) return parseSdist(filename, filename.slice(0, -7));
  } catch (cause) {
    if (!(cause instanceof PythonIndexError) || cause instanceof InvalidFilenameError) throw cause;
    throw new InvalidFilenameError(filename, cause.message, { cause });
  }
  throw new InvalidFilenameError(filename, 'it must end in .whl (a wheel) or .tar.gz (an sdist)');
}

function parseWheel(filename: string, stem: string): WheelFilename {
  const parts = stem.split('-');
  if (parts.length !== 5 && parts.length !== 6)
    throw new InvalidFilenameError(filename, 'a wheel is named NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl');
  const [name = '', version = ''] = parts;
  const build = parts.length === 6 ? parts[2] : undefined;
  const [pythonTag = '', abiTag = '', platformTag = ''] = parts.slice(-3);
  if (!WHEEL_NAME.test(name) || name.includes('__'))
    throw new InvalidFilenameError(filename, `${JSON.stringify(name)} is not an escaped project name`);
  if (build !== undefined && !BUILD.test(build))
    throw new InvalidFilenameError(filename, 'the build number must begin with a digit');
  if (![pythonTag, abiTag, platformTag].every((tag) => TAGS.test(tag)))
    throw new InvalidFilenameError(
      filename,
      'a compatibility tag is empty or has characters other than letters, digits and _',
    );
  return {
    kind: 'wheel',
    project: normalizeName(name),
    version,
    normalizedVersion: normalizeVersion(version),
    ...(build !== undefined && { build }),
    pythonTag,
    abiTag,
    platformTag,
  };
}

function parseSdist(filename: string, stem: string): SdistFilename {
  const dash = stem.lastIndexOf('-');
  if (dash < 0) throw new InvalidFilenameError(filename, 'an sdist is named NAME-VERSION.tar.gz');
  const version = stem.slice(dash + 1);
  const project = normalizeName(stem.slice(0, dash));
  const normalizedVersion = normalizeVersion(version);
  const expected = sdistFilename(project, normalizedVersion);
  if (filename !== expected)
    throw new InvalidFilenameError(filename, `an sdist of that project and version is named ${expected} (PEP 625)`);
  return { kind: 'sdist', project, version, normalizedVersion };
}

/** The one name that an sdist can have (PEP 625). */
export function sdistFilename(project: ProjectName, normalizedVersion: string): string {
  return `${project.replaceAll('-', '_')}-${normalizedVersion}.tar.gz`;
}

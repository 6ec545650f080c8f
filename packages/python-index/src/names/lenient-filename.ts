import { InvalidFilenameError, PythonIndexError } from '../errors.ts';
import {
  type DistributionFilename,
  MAX_FILENAME_LENGTH,
  parseDistributionFilename,
  type SdistFilename,
} from './filename.ts';
import { type ProjectName, normalizeName } from './project-name.ts';
import { normalizeVersion } from './version.ts';

/** What pip takes for an sdist and PyPI once took (PEP 527); eggs and installers are read by no installer any more. */
const SDIST_SUFFIXES = ['.tar.gz', '.tgz', '.tar.bz2', '.zip'];

/**
 * Takes the name of a file of `project` apart as installers do: a wheel as {@link parseDistributionFilename}, an sdist also
 * with the names of before PEP 625, such as `Foo.Bar-1.0-RC1.zip`. Where such a name is read depends on the project
 * (`a-1-2.zip` is `a` 1.post2, or `a-1` 2), so the project must be known by other means.
 * @throws InvalidFilenameError when it is no file of that project
 */
export function parseFilenameOf(project: ProjectName, filename: string): DistributionFilename {
  if (!filename.endsWith('.whl')) return parseSdistOf(project, filename);
  const wheel = parseDistributionFilename(filename);
  if (wheel.project !== project) throw new InvalidFilenameError(filename, `it belongs to the project ${wheel.project}`);
  return wheel;
}

function parseSdistOf(project: ProjectName, filename: string): SdistFilename {
  const suffix = SDIST_SUFFIXES.find((each) => filename.endsWith(each));
  if (suffix === undefined)
    throw new InvalidFilenameError(
      filename,
      `it must end in .whl (a wheel) or ${SDIST_SUFFIXES.join(', ')} (an sdist)`,
    );
  if (filename.length > MAX_FILENAME_LENGTH)
    throw new InvalidFilenameError(filename, `it is longer than ${MAX_FILENAME_LENGTH} characters`);
  if (!/^[A-Za-z0-9][A-Za-z0-9._+!-]*$/.test(filename))
    throw new InvalidFilenameError(filename, 'it has characters other than ASCII letters, digits and . _ + ! -');
  const stem = filename.slice(0, -suffix.length);
  for (let dash = stem.indexOf('-'); dash > 0; dash = stem.indexOf('-', dash + 1)) {
    if (read(() => normalizeName(stem.slice(0, dash))) !== project) continue;
    const version = stem.slice(dash + 1);
    const normalizedVersion = read(() => normalizeVersion(version));
    if (normalizedVersion !== undefined) return { kind: 'sdist', project, version, normalizedVersion };
  }
  throw new InvalidFilenameError(filename, `it is not an sdist of ${project}: NAME-VERSION${suffix}`);
}

function read<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof PythonIndexError) return undefined;
    throw cause;
  }
}

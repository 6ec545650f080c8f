import type { ProjectName } from '@holdfast/python-index';
import { PathPattern, type TargetFile } from '@holdfast/tuf';
import { InvalidTargetError } from '../errors.ts';
import { type Distribution, decodeTarget } from '../target.ts';
import { parseTargetPath } from '../target-path.ts';
import { TransactionRefusedError } from './refused.ts';

/** What the index holds under a filename, staged or published; `undefined` for what it never had, or what was deleted. */
export type FileOf = (filename: string) => Distribution | undefined;

/** Which paths a role may list: those that match one pattern of each delegation on the way to it. */
export class Reach {
  readonly #levels: readonly (readonly PathPattern[])[];

  private constructor(levels: readonly (readonly PathPattern[])[]) {
    this.#levels = levels;
  }

  /** Of the project's own role: everything in its directory, which {@link fileOfProject} checks. */
  static readonly all: Reach = new Reach([]);

  through(paths: readonly string[]): Reach {
    return new Reach([...this.#levels, paths.map((path) => new PathPattern(path))]);
  }

  has(path: string): boolean {
    return this.#levels.every((patterns) => patterns.some((pattern) => pattern.matches(path)));
  }
}

/**
 * What a role says of a file, if the role may say anything of it.
 * @throws TransactionRefusedError (`FILE_OUTSIDE`, `FILE_FORM`)
 */
export function fileOfProject(
  project: ProjectName,
  role: string,
  reach: Reach,
  [path, file]: readonly [string, TargetFile],
): Distribution {
  if (parseTargetPath(path)?.project !== project || !reach.has(path))
    throw new TransactionRefusedError(
      'FILE_OUTSIDE',
      role,
      `it lists ${JSON.stringify(path)}, which is outside of what is delegated to it. Remove the file, or have it delegated.`,
    );
  const others = [...file.hashes.keys()].filter((algorithm) => algorithm !== 'sha256');
  if (others.length > 0)
    throw new TransactionRefusedError(
      'FILE_FORM',
      role,
      `${path} has the hash ${others.join()}, which is not checked here. List SHA-256 alone.`,
    );
  try {
    return decodeTarget(path, file);
  } catch (cause) {
    if (!(cause instanceof InvalidTargetError)) throw cause;
    throw new TransactionRefusedError('FILE_FORM', role, `${cause.message}.`, { cause });
  }
}

/**
 * Signed metadata agrees with the bytes that the index has (M6); whether a file is yanked is the developers' word.
 * @throws TransactionRefusedError (`FILE_UNKNOWN`, `FILE_MISMATCH`, `FILE_CHANGED`)
 */
export function checkFile(
  role: string,
  file: Distribution,
  stored: Distribution | undefined,
  published: Distribution | undefined,
): void {
  const { filename } = file;
  if (published && (published.sha256 !== file.sha256 || published.size !== file.size))
    throw new TransactionRefusedError(
      'FILE_CHANGED',
      role,
      `${filename} is published with other content, and that never changes. Give the new content another version.`,
    );
  if (!stored)
    throw new TransactionRefusedError(
      'FILE_UNKNOWN',
      role,
      `the index does not have ${filename}: it was not uploaded, or it was deleted. Upload it first, or remove it from the role.`,
    );
  const different = Object.entries(FACTS).find(([, factOf]) => factOf(file) !== factOf(stored));
  if (different)
    throw new TransactionRefusedError(
      'FILE_MISMATCH',
      role,
      `the ${different[0]} of ${filename} is ${different[1](stored)} on the index, and ${different[1](file)} is signed. Sign what was uploaded.`,
    );
}

/** What has to agree, as text. */
const FACTS: Readonly<Record<string, (file: Distribution) => string>> = {
  'SHA-256': ({ sha256 }) => sha256,
  length: ({ size }) => String(size),
  'upload-time': ({ uploadTime }) => uploadTime.toISOString(),
  'requires-python': ({ requiresPython }) => (requiresPython === undefined ? 'absent' : JSON.stringify(requiresPython)),
  'core-metadata': ({ coreMetadata }) =>
    coreMetadata ? `${coreMetadata.sha256} of ${coreMetadata.size} bytes` : 'absent',
};

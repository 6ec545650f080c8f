import { HASH_ALGORITHMS } from '../client/digests.ts';
import { FormatError, HashMismatchError } from '../errors.ts';
import type { TargetFile } from '../model.ts';

/** The one file of a repository that changes (§6.2: the timestamp has no version in its name). */
export const TIMESTAMP_PATH = 'metadata/timestamp.json';

/** §6.2: `VERSION.ROLE.json`. The name stands as it is: clients escape it in the URL, web servers undo that. */
export function rolePath(role: string, version: number): string {
  return `metadata/${version}.${role}.json`;
}

/** What {@link rolePath} made; `undefined` for other files. */
export function parseRolePath(path: string): { readonly role: string; readonly version: number } | undefined {
  const match = /^metadata\/(\d+)\.(.+)\.json$/s.exec(path);
  const [, version, role] = match ?? [];
  return version === undefined || role === undefined ? undefined : { role, version: Number(version) };
}

/** §6.2: the content's hash stands before the file's name. */
export function targetPath(path: string, file: TargetFile): string {
  const algorithm = HASH_ALGORITHMS.find((known) => file.hashes.has(known));
  if (algorithm === undefined) throw new HashMismatchError(path);
  const name = path.lastIndexOf('/') + 1;
  return `targets/${path.slice(0, name)}${file.hashes.get(algorithm)}.${path.slice(name)}`;
}

/**
 * A repository writes only names that every web server, and every file system below it, takes for what they are.
 * @throws FormatError
 */
export function checkServable(where: string, name: string): void {
  const segments = name.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || /[\\\0]/.test(segment)))
    throw new FormatError(where, `${JSON.stringify(name)} cannot be the path of a file`);
}

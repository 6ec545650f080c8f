import { ArchivePathError } from '../errors.ts';

/** Longest path of an entry, in UTF-8 bytes, and its deepest nesting. */
const MAX_PATH_BYTES = 1024;
const MAX_DEPTH = 64;

const encoder = new TextEncoder();

/**
 * Refuses a path that some system would write elsewhere than another: absolute, with `.` or `..`, with a backslash, a
 * colon (drives and streams of Windows), control or direction-changing characters.
 * @returns its segments
 */
export function checkPath(path: string): readonly string[] {
  const refuse = (reason: string): never => {
    throw new ArchivePathError(path, reason);
  };
  if (path.length > MAX_PATH_BYTES || encoder.encode(path).length > MAX_PATH_BYTES)
    return refuse(`it is longer than ${MAX_PATH_BYTES} bytes`);
  if (/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\\:]/u.test(path))
    return refuse('it has a control character, a backslash or a colon');
  const segments = path.split('/');
  if (segments.length > MAX_DEPTH) return refuse(`it is nested deeper than ${MAX_DEPTH} directories`);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    return refuse('it is absolute, empty, or leaves its directory');
  return segments;
}

/** The entries seen so far: refuses one that would be written over, or through, another. */
export class EntryPaths {
  /** Files and links, which hold nothing below them. */
  readonly #leaves = new Set<string>();
  readonly #directories = new Set<string>();

  /** A directory may be announced again; a file may not. `path` has passed `checkPath`. */
  add(path: string, segments: readonly string[], kind: 'leaf' | 'directory'): void {
    let parent = '';
    for (const segment of segments.slice(0, -1)) {
      parent += (parent === '' ? '' : '/') + segment;
      if (this.#leaves.has(parent)) throw new ArchivePathError(path, 'it stands below a file or a link');
      this.#directories.add(parent);
    }
    if (this.#leaves.has(path)) throw new ArchivePathError(path, 'it stands there twice');
    if (kind === 'directory') this.#directories.add(path);
    else if (this.#directories.has(path)) throw new ArchivePathError(path, 'it is both a file and a directory');
    else this.#leaves.add(path);
  }
}

import { ArchivePathError } from '../../errors.ts';
import { checkPath } from '../entry-paths.ts';

/**
 * Refuses a symbolic link that could lead out of the sdist's top directory (PEP 721).
 *
 * `..` may stand only at the beginning of the target: the directories above a link are real ones (no entry stands below a
 * link), so they lead where the text says. After a name, `..` would start from wherever that name leads.
 */
export function checkSymlink(path: string, depth: number, target: string): void {
  if (target === '') throw new ArchivePathError(path, 'its link target is empty');
  const segments = target.split('/');
  const firstName = segments.findIndex((segment) => segment !== '..');
  const ups = firstName < 0 ? segments.length : firstName;
  // depth counts the path's own segments: in `top/dir/link` two directories lie above, and one step up is allowed.
  if (ups > depth - 2)
    throw new ArchivePathError(path, `its link target ${JSON.stringify(target)} leads out of the archive`);
  const names = segments
    .slice(ups)
    .filter((segment, index, all) => segment !== '.' && !(segment === '' && index === all.length - 1));
  if (names.length > 0) checkLinked(path, names.join('/'));
}

/** A hard link names another entry by its path in the archive. */
export function checkHardLink(path: string, top: string, target: string): void {
  if (checkLinked(path, target)[0] !== top)
    throw new ArchivePathError(path, 'its link target leads out of the archive');
}

function checkLinked(path: string, target: string): readonly string[] {
  try {
    return checkPath(target);
  } catch (cause) {
    if (!(cause instanceof ArchivePathError)) throw cause;
    throw new ArchivePathError(path, `its link target ${JSON.stringify(target)} is refused: ${cause.reason}`);
  }
}

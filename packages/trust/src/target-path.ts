import { sha256Hex } from '#sha256';
import { asProjectName, type ProjectName } from '@holdfast/python-index';

/** `<h>/<project>/<filename>`: where a distribution file stands in signed metadata. See docs/formats/targets.md. */
export type TargetPath = string & { readonly __brand: 'TargetPath' };

/** Hex digits of SHA-256 that start a target path, and so the greatest depth of a bin tree. */
export const BIN_DIGITS = 6;

/** The first 6 hex digits of SHA-256 of the normalized name: all files of a project fall into one bin. */
export function projectBin(project: ProjectName): string {
  return sha256Hex(project).slice(0, BIN_DIGITS);
}

/** `<h>/<project>/`: the directory that holds every target of a project. */
export function projectDirectory(project: ProjectName): string {
  return `${projectBin(project)}/${project}/`;
}

/** The target path of a distribution file. The filename must come from `parseDistributionFilename`: it has no slash. */
export function targetPath(project: ProjectName, filename: string): TargetPath {
  return (projectDirectory(project) + filename) as TargetPath;
}

/** The parts of a target path, or `undefined` when it is not one: wrong shape, name not normalized, or wrong bin. */
export function parseTargetPath(path: string): { bin: string; project: ProjectName; filename: string } | undefined {
  const [bin, name, filename, ...rest] = path.split('/');
  if (bin === undefined || name === undefined || filename === undefined || filename === '' || rest.length > 0)
    return undefined;
  const project = asProjectName(name);
  return project !== undefined && projectBin(project) === bin ? { bin, project, filename } : undefined;
}

/** `<h>/<project>/<sha256>.<filename>`: the path with its hash, as TUF 1.0.34 §5.7.3 asks for in consistent snapshots. */
export function consistentTargetPath(path: TargetPath, sha256: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${sha256}.${path.slice(slash)}`;
}

/**
 * `files/<h>/<project>/<sha256>/<filename>`: what installers see. The filename is the last segment, as pip needs it, and
 * the hash makes the address immutable.
 */
export function fileUrlPath(path: TargetPath, sha256: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `files/${path.slice(0, slash)}${sha256}/${path.slice(slash)}`;
}

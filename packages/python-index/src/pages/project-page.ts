import { compareVersions, parseVersion } from '../names/version.ts';
import { parseFilenameOf } from '../names/lenient-filename.ts';
import type { ProjectName } from '../names/project-name.ts';

/** The newest Simple API version whose content we serve: 1.4, project status (PEP 792). HTML is frozen there (PEP 833). */
export const API_VERSION = '1.4';

/** One file of a project page. */
export interface ProjectFile {
  readonly filename: string;
  /**
   * Absolute, or relative to the address of the page. Its last path segment must be `filename` (pip takes the name from
   * there), and it must have no query string: pip puts `.metadata` after the query, uv before it.
   */
  readonly url: string;
  /** Lower-case hex. The only hash on the page: pip accepts a file when *any* listed hash matches. */
  readonly sha256: string;
  /** Bytes (PEP 700). */
  readonly size: number;
  readonly uploadTime: Date;
  /** A version specifier, as in the core metadata. */
  readonly requiresPython?: string;
  /** PEP 592: `true`, or the reason. */
  readonly yanked?: true | string;
  /** PEP 658 and 714: `<url>.metadata` is served, with this hash. */
  readonly coreMetadata?: { readonly sha256: string };
}

/** PEP 792. A quarantined project offers no files. */
export interface ProjectStatus {
  readonly status: 'active' | 'archived' | 'quarantined' | 'deprecated';
  readonly reason?: string;
}

/** What a project page says, whatever its format. */
export interface ProjectPage {
  readonly name: ProjectName;
  readonly files: readonly ProjectFile[];
  /** Normal forms. Left out, they are computed from the filenames. */
  readonly versions?: readonly string[];
  readonly status?: ProjectStatus;
  /** Further keys of `meta`; each begins with `_`, which the Simple API reserves for servers (`_last-serial`). */
  readonly meta?: ReadonlyMap<`_${string}`, string | number>;
}

/** PEP 792: "quarantined" means that nothing is offered. */
export function offeredFiles(page: ProjectPage): readonly ProjectFile[] {
  return page.status?.status === 'quarantined' ? [] : page.files;
}

/** PEP 700: the versions that the page's files belong to, normalized, each once, in the order of PEP 440. */
export function offeredVersions(page: ProjectPage): readonly string[] {
  if (page.status?.status === 'quarantined') return [];
  if (page.versions) return page.versions;
  const spellings = new Set(page.files.map((file) => versionInFilename(page.name, file.filename)));
  const versions = new Map([...spellings].map(parseVersion).map((version) => [version.normalized, version]));
  return [...versions.values()].sort(compareVersions).map((version) => version.normalized);
}

/** The version of a filename that is known to be good, without checking all of it again: pages are rendered often. */
function versionInFilename(project: ProjectName, filename: string): string {
  const normal = `${project.replaceAll('-', '_')}-`;
  if (filename.endsWith('.tar.gz') && filename.startsWith(normal))
    return filename.slice(normal.length, -'.tar.gz'.length);
  const start = filename.endsWith('.whl') ? filename.indexOf('-') + 1 : 0;
  const end = filename.indexOf('-', start);
  return start > 0 && end > 0 ? filename.slice(start, end) : parseFilenameOf(project, filename).version;
}

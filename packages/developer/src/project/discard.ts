import type { ProjectName } from '@holdfast/python-index';
import { ProjectStateError, RefusedError } from '../errors.ts';
import type { ProjectStatus, StagedFile, WaitingTransaction } from './project-status.ts';
import { projectApi, type Workbench } from './workbench.ts';

/** What was taken away of what waits. */
export interface Removal<T> {
  readonly gone: readonly T[];
  /** What the index keeps, and why, in its own words. */
  readonly kept: readonly { readonly what: T; readonly why: string }[];
}

/** Files that wait, all or those of these names. @throws ProjectStateError for a name under which nothing waits */
export function stagedNamed(
  { project, staged }: Pick<ProjectStatus, 'project' | 'staged'>,
  filenames: readonly string[],
): readonly StagedFile[] {
  if (filenames.length === 0) return staged;
  return [...new Set(filenames)].map((filename) => {
    const found = staged.find((file) => file.filename === filename);
    if (found) return found;
    throw new ProjectStateError(
      `nothing waits for ${project} under the name ${filename}`,
      `What waits: holdfast status ${project}. A file that is published stays: "holdfast yank" has installers pass it over.`,
    );
  });
}

/** Takes files away that wait to be signed; their names are free again. */
export function discardFiles(
  bench: Pick<Workbench, 'api'>,
  project: ProjectName,
  files: readonly StagedFile[],
): Promise<Removal<StagedFile>> {
  return removeEach(files, ({ filename }) => projectApi(bench, project).discard(filename));
}

/** Takes back changes that wait for signatures. The files that they list wait on. */
export function withdrawChanges(
  bench: Pick<Workbench, 'api'>,
  project: ProjectName,
  changes: readonly WaitingTransaction[],
): Promise<Removal<WaitingTransaction>> {
  return removeEach(changes, async ({ id }) => {
    if (id === undefined) throw new RefusedError(404, 'NO_ID', 'This index does not know how to withdraw a change.');
    await projectApi(bench, project).withdraw(id);
  });
}

/** One after the other. What the index refuses is no reason to keep the rest. */
async function removeEach<T>(all: readonly T[], remove: (what: T) => Promise<void>): Promise<Removal<T>> {
  const gone: T[] = [];
  const kept: { readonly what: T; readonly why: string }[] = [];
  for (const what of all) {
    try {
      await remove(what);
      gone.push(what);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      kept.push({ what, why: error.message });
    }
  }
  return { gone, kept };
}

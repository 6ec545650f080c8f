import type { ProjectName } from '@holdfast/python-index';
import { encodeTarget, parseTargetPath, projectBin, RARELY_UPDATED, type TargetPath } from '@holdfast/trust';
import type { TargetFile } from '@holdfast/tuf';
import type { NextClaims } from './claims.ts';
import type { LoadedExport } from './load.ts';

/** What becomes of a project that is, or was to be, rarely updated. */
export interface QuietOutcome {
  readonly project: ProjectName;
  readonly becomes: 'rarely-updated' | 'updated' | 'left' | 'excluded';
  /** Why it leaves; empty otherwise. */
  readonly why: string;
}

/** What `rarely-updated` is to say. */
export interface NextQuiet {
  readonly content: { readonly targets: ReadonlyMap<TargetPath, TargetFile> };
  readonly touched: ReadonlySet<string>;
  readonly outcomes: readonly QuietOutcome[];
}

/** A project stands in one tree of offline keys at most: what is claimed leaves this one. */
export function planQuiet(loaded: LoadedExport, claims: NextClaims): NextQuiet {
  const byProject = presentFiles(loaded);
  const touched = new Set<string>();
  const outcomes: QuietOutcome[] = [];
  const leave = (project: ProjectName, why: string): void => {
    if (!byProject.delete(project)) return;
    touched.add(projectBin(project));
    outcomes.push({ project, becomes: 'left', why });
  };
  const { projects } = claims.content;
  for (const project of projects.keys()) leave(project, 'its developers claimed it');
  // Whose claim waits stays where it is: else an online key would answer for what its developers are about to take.
  const waiting = new Set(loaded.claims.map(({ claim }) => claim.project));
  for (const [project, why] of loaded.leaving)
    if (!loaded.exclude.has(project) && !waiting.has(project)) leave(project, why);
  for (const { project, files } of loaded.quiet) {
    const before = byProject.has(project);
    const excluded = loaded.exclude.has(project) || projects.has(project) || loaded.order.model !== 'maximum';
    outcomes.push({ project, becomes: excluded ? 'excluded' : before ? 'updated' : 'rarely-updated', why: '' });
    if (excluded) continue;
    const targets = files.map((file) => encodeTarget(file));
    byProject.set(project, new Map(targets.map(({ path, file }) => [path, file])));
    touched.add(projectBin(project));
  }
  const targets = new Map<TargetPath, TargetFile>();
  for (const files of byProject.values()) for (const [path, file] of files) targets.set(path, file);
  return { content: { targets }, touched, outcomes };
}

function presentFiles({ present }: LoadedExport): Map<ProjectName, Map<TargetPath, TargetFile>> {
  const byProject = new Map<ProjectName, Map<TargetPath, TargetFile>>();
  for (const [path, file] of present.trees.get(RARELY_UPDATED)?.tree.targets ?? []) {
    const project = parseTargetPath(path)?.project;
    if (project === undefined) continue; // The tree was read by code that refuses such paths.
    const files = byProject.get(project);
    if (files) files.set(path, file);
    else byProject.set(project, new Map([[path, file]]));
  }
  return byProject;
}

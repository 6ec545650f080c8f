import { join } from 'node:path';
import { projectOf } from '@holdfast/trust';
import type { ProjectName } from '@holdfast/python-index';
import type { FollowedFeed } from '@holdfast/installer';
import { rm } from 'node:fs/promises';
import { failureOf } from './build-sdist.ts';
import type { FarmWork } from './farm-work.ts';
import type { BuildRecord } from './build-record.ts';
import { backOff } from './retry.ts';
import { tendProject } from './tend-project.ts';

export interface RoundOptions {
  /** Only these, without following the feed. */
  readonly projects?: readonly ProjectName[];
  readonly signal?: AbortSignal;
}

/** What one round did. */
export interface Round {
  readonly looked: readonly ProjectName[];
  /** Projects with which something went wrong that is no build. */
  readonly troubled: readonly ProjectName[];
  /** Builds of the projects that were looked at, as they stand now. */
  readonly builds: readonly BuildRecord[];
}

/**
 * Looks once at every project whose roles changed since the last time, and at those for which something is due. What goes wrong with one
 * project, or one build, is written down and keeps no other from its turn.
 * @throws what following the feed throws, such as when the index cannot be reached
 */
export async function runRound(work: FarmWork, { projects, signal }: RoundOptions = {}): Promise<Round> {
  const { state, bench } = work;
  if (projects === undefined) await follow(work);
  const looked: ProjectName[] = [];
  const troubled: ProjectName[] = [];
  for (const project of projects ?? state.due(bench.now())) {
    if (signal?.aborted === true) break;
    looked.push(project);
    if (!(await tend(work, project, signal))) troubled.push(project);
  }
  return { looked, troubled, builds: looked.flatMap((project) => state.builds(project)) };
}

async function tend(work: FarmWork, project: ProjectName, signal: AbortSignal | undefined): Promise<boolean> {
  const { state, bench, tell } = work;
  try {
    const due = await tendProject(work, project);
    if (due) state.look(project, due);
    else state.rest(project);
    return true;
  } catch (error) {
    if (signal?.aborted === true) return true;
    const failures = state.failures(project) + 1;
    const due = backOff(failures, bench.now());
    state.look(project, due, failures);
    const { code = '', reason = '' } = failureOf(error);
    tell({ event: 'trouble', project, code, reason, next_try: due.toISOString() });
    return false;
  }
}

/**
 * Writes down which projects changed. The feed remembers by itself how far it was followed; when that is not what was written down here,
 * as after a kill between the two, every project is looked at.
 */
async function follow({ bench, state, tell }: FarmWork): Promise<void> {
  const file = join(state.directory, 'feed');
  const known = state.followed;
  let followed = await bench.client.followFeed(file);
  if (
    followed.before !== undefined &&
    (followed.before.version !== known?.version || followed.before.root !== known.root)
  ) {
    await rm(file, { force: true });
    followed = await bench.client.followFeed(file);
  }
  const projects = projectsIn(followed);
  state.follow(followed.after, projects, bench.now());
  if (projects.size > 0) tell({ event: 'followed', version: followed.after.version, projects: projects.size });
}

function projectsIn({ changes }: FollowedFeed): ReadonlySet<ProjectName> {
  return new Set(changes.flatMap(({ role }) => projectOf(role) ?? []));
}

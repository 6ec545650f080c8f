import { normalizeName } from '@holdfast/python-index';
import {
  decodeTarget,
  type Distribution,
  parseProjectRole,
  type ProjectDelegation,
  RARELY_UPDATED,
} from '@holdfast/trust';
import { keysOf, keysText } from '../publish/standing-rows.ts';
import type { Standing } from '../records/claims-schema.ts';
import type { Records } from '../records/records.ts';
import { type Candidates, candidatesOf, layOutStored } from './candidates.ts';
import { type ProjectReport, projectAfter, reportProject } from './compare.ts';
import { mergeProjects } from './merge-projects.ts';
import { type OfflineLeaf, readOfflineChain } from './offline-chain.ts';
import { readProjectChain } from './project-chain.ts';
import { readProjects } from './read-projects.ts';
import { layOutTestimony, type Testimony } from './testimony.ts';
import type { Worktable } from './worktable.ts';
import type { ObjectStore } from '../objects/object-store.ts';

/** What a recovery goes by. */
export interface RecoverySources {
  /** The last good state. */
  readonly good: Records;
  readonly present: Testimony;
  readonly objects: ObjectStore;
  readonly table: Worktable;
}

/** What a recovery makes of an index; which projects and roles, stands in its worktable. */
export interface RecoveryPlan {
  /** The newest publication of the last good state, and of the index as it is. */
  readonly before: number;
  readonly now: number;
  /** Rows of the index that no index writes. */
  readonly strangeRows: number;
  /** From version 1 on. */
  readonly roots: readonly Uint8Array[];
}

/**
 * Lays out in the worktable what an index says, and what offline keys and developers signed, wherever it is. The roots of the good state
 * are believed, and everything through them. O(n) time and disk; memory for one role, one project and one page.
 * @throws DamagedIndexError when what the offline keys signed is not whole in either
 */
export async function planRecovery({ good, present, objects, table }: RecoverySources): Promise<RecoveryPlan> {
  const strangeRows = await layOutTestimony(present, table);
  await layOutStored(objects, table);
  const from = candidatesOf(good, table, objects);
  const roots = await readOfflineChain(await rootsOf(good), from, {
    role: (role) => table.addRole(role),
    leaf: (leaf) => layOutLeaf(table, from, leaf),
  });
  await layOutRecent(good, table, from);
  return { before: await newestOf(good), now: await present.newest(), strangeRows, roots };
}

/** Every project, compared, in the order of names. */
export async function* plannedProjects(
  { good, table }: Pick<RecoverySources, 'good' | 'table'>,
  keep: ReadonlyMap<string, string>,
): AsyncGenerator<ProjectReport, void> {
  for await (const { project, states } of mergeProjects(readProjects(good.read), table.said(), table.signed())) {
    const [then, now, signed] = states;
    yield reportProject(project, then, now, projectAfter(then, now, signed, keep));
  }
}

export async function newestOf({ read }: Records): Promise<number> {
  const row = await read
    .selectFrom('publications')
    .select((eb) => eb.fn.max('id').as('id'))
    .where('published_at', 'is not', null)
    .executeTakeFirst();
  return row?.id ?? 0;
}

async function rootsOf({ read }: Records): Promise<readonly Uint8Array[]> {
  const rows = await read.selectFrom('roots').selectAll().orderBy('version').execute();
  return rows.map(({ bytes }) => bytes);
}

async function layOutLeaf(table: Worktable, from: Candidates, leaf: OfflineLeaf): Promise<void> {
  if ('projects' in leaf) {
    for (const delegation of leaf.projects.values()) await layOutClaim(table, from, 'claimed', delegation);
    return;
  }
  const claimed = { role: null, keys: null, threshold: null, rotations: 0, revoked: 0 };
  for (const [path, file] of leaf.targets) {
    const said = decodeTarget(path, file);
    const known = table.signedProject(said.project);
    if (known && known.standing !== RARELY_UPDATED) continue; // Whoever is searched first counts.
    if (!known) table.add('projects', { project: said.project, standing: RARELY_UPDATED, ...claimed });
    layOutFile(table, said);
  }
}

/** Claims that the index alone stood for, as they were in the last good state. */
async function layOutRecent(good: Records, table: Worktable, from: Candidates): Promise<void> {
  const PAGE = 200;
  for (let after = ''; ; ) {
    const rows = await good.read
      .selectFrom('standings')
      .select(['project', 'role', 'keys', 'threshold'])
      .where('standing', '=', 'recently-claimed')
      .where('project', '>', after)
      .orderBy('project')
      .limit(PAGE)
      .execute();
    for (const { project: name, role, keys, threshold } of rows) {
      const project = normalizeName(name);
      if (role === null || keys === null || threshold === null || table.signedProject(project)) continue;
      const delegation = { project, role, keys: [...keysOf(keys).values()], threshold };
      await layOutClaim(table, from, 'recently-claimed', delegation);
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.project;
  }
}

async function layOutClaim(
  table: Worktable,
  from: Candidates,
  standing: Standing,
  delegation: ProjectDelegation,
): Promise<void> {
  const { project, role } = delegation;
  const { keys, threshold, rotations, revoked, roles, files } = await readProjectChain(delegation, from);
  table.add('projects', {
    project,
    standing,
    role,
    keys: keysText(keys.values()),
    threshold,
    rotations,
    revoked: revoked ? 1 : 0,
  });
  for (const signed of roles.values()) table.addRole(signed);
  for (const file of files.values()) layOutFile(table, file);
}

function layOutFile(table: Worktable, file: Distribution): void {
  table.add('signed_files', {
    project: file.project,
    filename: file.filename,
    size: file.size,
    sha256: file.sha256,
    metadata_sha256: file.coreMetadata?.sha256 ?? null,
    metadata_size: file.coreMetadata?.size ?? null,
    requires_python: file.requiresPython ?? null,
    yanked: file.yanked === undefined ? null : file.yanked === true ? '' : file.yanked,
    uploaded_at: file.uploadTime.getTime(),
  });
}

/** The generation that a role's name tells. */
export const generationOf = (role: string | null): number =>
  role === null ? 0 : (parseProjectRole(role)?.generation ?? 1);

import {
  binRoleName,
  modelOf,
  parseProjectRole,
  projectOf,
  RARELY_UPDATED,
  RECENTLY_CLAIMED,
  topsOf,
  UNCLAIMED,
} from '@holdfast/trust';
import { parseTargets, type Targets } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import { MetadataRefusedError } from '../../errors.ts';
import type { Database } from '../../records/schema.ts';
import type { RoleTable } from '../role-table.ts';
import { binDigits } from '../file-rows.ts';
import type { SignedRole } from '../sign-roles.ts';
import { onlineTop } from '../tree-changes.ts';
import { type OfferedFileChange, offeredFileChanges } from './offered-files.ts';
import { nextStanding, type OfferedStanding, type StandingContext } from './next-standing.ts';
import { type ProjectMove, projectMoves } from './project-moves.ts';
import { offlineHolders, type VerifiedRoles, verifyRoles } from './verified-roles.ts';
import { checkTrees, type TreeChanges } from './whole-trees.ts';

/** What an offer makes of the offline trees, and of the projects in them. */
export interface AcceptedTrees {
  readonly roles: readonly SignedRole[];
  /** Roles that leave. */
  readonly retired: readonly string[];
  /** Of projects that stand elsewhere, or otherwise, from now on. */
  readonly standings: readonly OfferedStanding[];
  readonly files: readonly OfferedFileChange[];
  /** Leaves of the trees that the index signs which change with that. */
  readonly leaves: number;
  /** The last change that was recorded when this was found out. */
  readonly upTo: number;
}

export interface TreeOffer {
  readonly roles?: ReadonlyMap<string, Uint8Array> | undefined;
  readonly retired?: readonly string[] | undefined;
}

export interface TreeContext {
  readonly db: Kysely<Database>;
  readonly table: Pick<
    RoleTable,
    'digitsOf' | 'hasBin' | 'isBranch' | 'leafOf' | 'nextVersion' | 'rolesOf' | 'version'
  >;
  readonly now: Date;
}

/** Whether an offer is about more than root and targets. */
export function concernsTrees(offer: TreeOffer, before: Uint8Array | undefined, after: Uint8Array): boolean {
  if ((offer.roles?.size ?? 0) > 0 || (offer.retired?.length ?? 0) > 0) return true;
  const model = modelOf(parseTargets(after).signed);
  if (!before) return model !== undefined && model !== 'minimum';
  return JSON.stringify(treesOf(before)) !== JSON.stringify(treesOf(after));
}

/** The model, and who signs the offline trees. */
function treesOf(targets: Uint8Array): unknown {
  const { model, holders } = offlineHolders(parseTargets(targets).signed);
  return [model, ...Array.from(holders, ([top, { keyids, threshold }]) => [top, threshold, ...[...keyids].sort()])];
}

/** The roles of an offer, verified once: the slow part. */
export function verifyTrees(offer: TreeOffer, targets: Uint8Array, context: TreeContext): Promise<VerifiedRoles> {
  const { signed }: { signed: Targets } = parseTargets(targets);
  return verifyRoles(offer.roles ?? new Map(), signed, context.table, context.now);
}

/**
 * Whether the offered roles may be published after what is, and what follows from them.
 * @throws MetadataRefusedError
 */
export async function acceptTrees(
  verified: VerifiedRoles,
  offer: TreeOffer,
  before: Uint8Array | undefined,
  context: TreeContext,
): Promise<AcceptedTrees> {
  const { db, table, now } = context;
  const named = offer.retired ?? [];
  const holders = before ? offlineHolders(parseTargets(before).signed).holders : new Map();
  const trees = checkTrees(verified, named, table, holders);
  const upTo = await lastChange(db);
  const moves = await projectMoves(db, trees.ranges, verified.model);
  const takesClaims = topsOf(verified.model).includes(RECENTLY_CLAIMED);
  const follow: StandingContext = { ...context, copies: verified.copies, retired: trees.retired, takesClaims, now };
  const standings: OfferedStanding[] = [];
  const files: OfferedFileChange[] = [];
  for (const move of moves) {
    const standing = await nextStanding(move, follow);
    if (standing) standings.push(standing);
    files.push(...(await offeredFileChanges(db, move, standing)));
  }
  checkCopiesUsed(verified, standings);
  const retired = [...trees.retired, ...(await orphans(db, table, moves, standings, trees))];
  const leaves = countLeaves(table, moves, standings);
  checkRetired(named, standings);
  return { roles: verified.roles, retired, standings, files, leaves, upTo };
}

async function lastChange(db: Kysely<Database>): Promise<number> {
  const row = await db.selectFrom('changes').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return row?.id ?? 0;
}

function countLeaves(
  table: TreeContext['table'],
  moves: readonly ProjectMove[],
  standings: readonly OfferedStanding[],
): number {
  const before = new Map(moves.map((move) => [String(move.project), move.before?.standing]));
  const leaves = new Set<string>();
  for (const { project, bin, standing } of standings)
    for (const top of [onlineTop(before.get(project) ?? UNCLAIMED), onlineTop(standing)])
      if (top) leaves.add(binRoleName(top, table.leafOf(top, binDigits(bin))));
  return leaves.size;
}

function checkCopiesUsed({ copies }: VerifiedRoles, standings: readonly OfferedStanding[]): void {
  const used = new Set(standings.map(({ role }) => role));
  for (const role of copies.keys()) if (!used.has(role)) throw new MetadataRefusedError(role, 'no role leads to it');
}

/** Roles of a project leave when it has another name, or none, from now on. */
function checkRetired(named: readonly string[], standings: readonly OfferedStanding[]): void {
  const roles = new Map(standings.map(({ project, role }) => [project, role]));
  for (const role of named) {
    const project = projectOf(role);
    if (project === undefined) continue;
    const next = roles.get(project);
    if (next === undefined || next === role || role.startsWith(`rotate/${next}.rotate.`))
      throw new MetadataRefusedError(role, 'it leaves, and its project does not');
  }
}

/** What is signed by developers whose projects go back to the index. Rotate files stay listed: they are never taken back. */
async function orphans(
  db: Kysely<Database>,
  table: TreeContext['table'],
  moves: readonly ProjectMove[],
  standings: readonly OfferedStanding[],
  { retired }: TreeChanges,
): Promise<string[]> {
  const unclaimed = new Set(standings.flatMap(({ project, standing }) => (standing === UNCLAIMED ? [project] : [])));
  const found: string[] = [];
  for (const { project, before } of moves) {
    if (!unclaimed.has(project) || before === undefined || before.standing === RARELY_UPDATED) continue;
    const own = `project.${project}`;
    const rows = await db
      .selectFrom('roles')
      .select('role')
      .where('retired', '=', 0)
      .where((where) =>
        where.or([where('role', '=', own), where.and([where('role', '>', `${own}.`), where('role', '<', `${own}/`)])]),
      )
      .execute();
    for (const { role } of rows)
      if (parseProjectRole(role)?.project === project && table.version(role) !== undefined && !retired.has(role))
        found.push(role);
  }
  return found;
}

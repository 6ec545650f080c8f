import {
  CLAIMED,
  nextGeneration,
  parseProjectRole,
  RARELY_UPDATED,
  RECENTLY_CLAIMED,
  UNCLAIMED,
} from '@holdfast/trust';
import { parseTargets, verifySignatures } from '@holdfast/tuf';
import { hash } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import { MetadataRefusedError } from '../../errors.ts';
import type { ClaimsWaitingTable, OfferedStandingsTable } from '../../records/claims-schema.ts';
import type { Database } from '../../records/schema.ts';
import { binNumber } from '../file-rows.ts';
import type { RoleTable } from '../role-table.ts';
import type { SignedRole } from '../sign-roles.ts';
import { keysText, type StandingRow } from '../standing-rows.ts';
import { type EffectiveKeys, effectiveKeys } from './effective-keys.ts';
import type { ProjectMove } from './project-moves.ts';
import { refusing } from './verified-roles.ts';
import { projectBin, projectRole } from '@holdfast/trust';

export type OfferedStanding = Selectable<OfferedStandingsTable>;
type WaitingClaim = Selectable<ClaimsWaitingTable>;

export interface StandingContext {
  readonly db: Kysely<Database>;
  readonly table: Pick<RoleTable, 'version'>;
  readonly copies: ReadonlyMap<string, SignedRole>;
  readonly retired: ReadonlySet<string>;
  /** Whether the index goes on signing projects that were claimed lately. */
  readonly takesClaims: boolean;
  readonly now: Date;
}

/**
 * Where the offer puts a project; `undefined` where it stands there already.
 * @throws MetadataRefusedError when the project moved since the offer was made, or nobody could read its files afterwards
 */
export async function nextStanding(move: ProjectMove, context: StandingContext): Promise<OfferedStanding | undefined> {
  const { project, before, next } = move;
  const at = context.now.getTime();
  const nobody = {
    role: null,
    keys: null,
    threshold: null,
    rotations: 0,
    generation: 0,
    account: null,
    revoked_at: null,
  };
  const row = { project, bin: before?.bin ?? binNumber(projectBin(project)), since: at, ...nobody };
  if (next?.standing === RARELY_UPDATED) {
    if (before?.standing === RECENTLY_CLAIMED || before?.standing === CLAIMED)
      throw new MetadataRefusedError(project, 'it was claimed in the meantime');
    return before ? undefined : { ...row, standing: RARELY_UPDATED };
  }
  const claim = await context.db
    .selectFrom('claims_waiting')
    .selectAll()
    .where('project', '=', project)
    .executeTakeFirst();
  if (!next) return left(move, row, claim, context);
  const keys = await effectiveKeys(next.delegation, context.db, context.table, context.retired);
  const { role } = next.delegation;
  const after: OfferedStanding = {
    ...row,
    standing: CLAIMED,
    role,
    keys: keysText(keys.keys.values()),
    threshold: keys.threshold,
    rotations: keys.rotations,
    generation: parseProjectRole(role)?.generation ?? 1,
    account: before?.account ?? claim?.account ?? null,
    revoked_at: keys.revoked ? (before?.revoked_at ?? at) : null,
  };
  if (before && isSame(before, after)) return undefined;
  checkWanted(before, after, claim);
  await checkReadable(move, after, keys, context);
  return after;
}

function left(
  { before }: ProjectMove,
  row: Omit<OfferedStanding, 'standing'>,
  claim: WaitingClaim | undefined,
  { takesClaims }: StandingContext,
): OfferedStanding {
  if (!claim || !takesClaims || before?.standing !== RARELY_UPDATED) return { ...row, standing: UNCLAIMED };
  const { project, keys, threshold, generation, account } = claim;
  const role = projectRole(parseProjectRole(`project.${project}`)?.project ?? refuseName(project), generation);
  return { ...row, standing: RECENTLY_CLAIMED, role, keys, threshold, generation, account };
}

function refuseName(project: string): never {
  throw new MetadataRefusedError(project, 'it is no name of a project');
}

function isSame(a: StandingRow, b: OfferedStanding): boolean {
  const fields = ['standing', 'role', 'keys', 'threshold', 'rotations', 'generation'] as const;
  return fields.every((field) => a[field] === b[field]) && (a.revoked_at === null) === (b.revoked_at === null);
}

/** Keys that operators write down are those that the project has, or that were claimed and wait for them. */
function checkWanted(before: StandingRow | undefined, after: OfferedStanding, claim: WaitingClaim | undefined): void {
  const has = before && before.keys === after.keys && before.threshold === after.threshold;
  const claimed =
    claim && claim.keys === after.keys && claim.threshold === after.threshold && claim.generation === after.generation;
  if (!has && !claimed) throw new MetadataRefusedError(after.project, 'its keys changed in the meantime');
}

/** That the role is there and signed by those keys: otherwise nobody could read the project's files. */
async function checkReadable(
  { project, before }: ProjectMove,
  after: OfferedStanding,
  { keys, threshold, revoked }: EffectiveKeys,
  { db, copies, table, retired }: StandingContext,
): Promise<void> {
  if (revoked) return;
  const role = after.role ?? '';
  const copy = copies.get(role);
  if (copy) await checkCopy(copy, before, db);
  const isThere = table.version(role) !== undefined && !retired.has(role);
  const kept = isThere ? await keptBytes(db, role) : undefined;
  const bytes = copy?.bytes ?? kept;
  if (!bytes) throw new MetadataRefusedError(project, `there is no metadata of ${role}`);
  const holders = { keyids: [...keys.keys()], threshold };
  await refusing(project, () => verifySignatures(parseTargets(bytes), keys, holders, role));
}

/** A project's metadata says the same under a new name: it does not contain its own. */
async function checkCopy(copy: SignedRole, before: StandingRow | undefined, db: Kysely<Database>): Promise<void> {
  const old = before?.role ?? '';
  const parts = parseProjectRole(old);
  if (!parts || nextGeneration(parts) !== copy.role)
    throw new MetadataRefusedError(copy.role, `it is not the name that comes after ${old || 'none'}`);
  const bytes = await keptBytes(db, old);
  if (!bytes || hash('sha256', bytes) !== copy.sha256)
    throw new MetadataRefusedError(copy.role, `it is not what ${old} says now`);
  if (parseTargets(bytes).signed.delegations)
    throw new MetadataRefusedError(copy.role, 'it delegates to roles whose names come after the old one');
}

async function keptBytes(db: Kysely<Database>, role: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('offline_roles').select('bytes').where('role', '=', role).executeTakeFirst();
  return row?.bytes;
}

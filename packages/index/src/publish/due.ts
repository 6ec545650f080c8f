import { binPrefix, RECENTLY_CLAIMED, UNCLAIMED } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import { IS_OURS } from '../records/our-roles.ts';
import type { Database } from '../records/schema.ts';
import { freshWindow, isDue, type Lifetimes, renewalTime } from './lifetimes.ts';
import type { RoleTable } from './role-table.ts';

/**
 * Bins that are to be signed again: those whose objects are damaged, then those that end first. Two walks along the index of
 * expiry times, however many roles there are.
 */
export async function dueBins(
  db: Kysely<Database>,
  table: RoleTable,
  lifetimes: Lifetimes,
  now: Date,
  most: number,
): Promise<string[]> {
  const due = new Set<string>();
  for (const role of table.damaged) if (due.size < most && isBin(role)) due.add(role);
  const { to } = freshWindow(now, lifetimes.bins);
  const ends = db
    .selectFrom('roles')
    .select('role')
    .where(({ lit, eb }) => eb('retired', '=', lit(0)))
    .where(IS_OURS);
  const early = ends.where('expires_at', '<', renewalTime(now, lifetimes.bins)).orderBy('expires_at');
  const late = ends.where('expires_at', '>', to).orderBy('expires_at', 'desc');
  for (const query of [early, late]) {
    if (due.size >= most) break;
    for (const { role } of await query.limit(most).execute()) if (due.size < most) due.add(role);
  }
  return [...due];
}

export function timestampIsDue(table: RoleTable, lifetimes: Lifetimes, now: Date): boolean {
  const timestamp = table.online('timestamp');
  return !timestamp || table.damaged.has('timestamp') || isDue(timestamp.expiresAt, now, lifetimes.timestamp);
}

export function snapshotIsDue(table: RoleTable, lifetimes: Lifetimes, now: Date): boolean {
  const snapshot = table.online('snapshot');
  return !snapshot || table.damaged.has('snapshot') || isDue(snapshot.expiresAt, now, lifetimes.snapshot);
}

const isBin = (role: string): boolean =>
  binPrefix(UNCLAIMED, role) !== undefined || binPrefix(RECENTLY_CLAIMED, role) !== undefined;

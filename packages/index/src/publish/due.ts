import { UNCLAIMED } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { freshWindow, isDue, type Lifetimes } from './lifetimes.ts';
import type { RoleTable } from './role-table.ts';

/** Bins that are to be signed again because of their age, those that end first in front. */
export async function dueBins(db: Kysely<Database>, lifetimes: Lifetimes, now: Date, most: number): Promise<string[]> {
  const { to } = freshWindow(now, lifetimes.bins);
  const from = now.getTime() + (lifetimes.bins * 1000) / 4;
  const rows = await db
    .selectFrom('roles')
    .select('role')
    .where((where) => where.or([where('role', '=', UNCLAIMED), where('role', 'like', `${UNCLAIMED}.%`)]))
    .where((where) => where.or([where('expires_at', '<', from), where('expires_at', '>', to)]))
    .orderBy('expires_at')
    .limit(most)
    .execute();
  return rows.map(({ role }) => role);
}

export function timestampIsDue(table: RoleTable, lifetimes: Lifetimes, now: Date): boolean {
  const [timestamp, snapshot] = [table.online('timestamp'), table.online('snapshot')];
  return (
    !timestamp ||
    !snapshot ||
    isDue(timestamp.expiresAt, now, lifetimes.timestamp) ||
    isDue(snapshot.expiresAt, now, lifetimes.snapshot)
  );
}

import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { dropTransactions } from './waiting.ts';

/** A transaction for which the missing signatures did not come in time. */
export interface Outdated {
  readonly id: number;
  readonly project: string;
  /** Who brought it first. */
  readonly account: string;
  /** When a signature of it came last: milliseconds since 1970 UTC. */
  readonly recorded_at: number;
}

/** Transactions that one call drops at most. */
const BATCH = 50;

/**
 * Drops transactions that have waited for signatures for longer than `waitingMs`. Each call does some of it.
 * @returns what was dropped; nothing: none is left that is too old
 */
export async function dropOutdated(
  records: Pick<Records, 'read' | 'write'>,
  now: Date,
  waitingMs: number,
): Promise<readonly Outdated[]> {
  const before = now.getTime() - waitingMs;
  if ((await outdated(records.read, before).execute()).length === 0) return [];
  return await records.write(async (db) => {
    const found = await outdated(db, before).execute();
    await dropTransactions(
      db,
      found.map(({ id }) => id),
    );
    return found;
  });
}

/** By the index of what waits, which is little beside what was published. */
export function outdated(
  db: Pick<Kysely<Database>, 'selectFrom'>,
  before: number,
): SelectQueryBuilder<Database, 'transactions', Outdated> {
  return db
    .selectFrom('transactions')
    .select(['id', 'project', 'account', 'recorded_at'])
    .where(sql<boolean>`state <> 'published'`)
    .where(sql<boolean>`state = 'waiting'`)
    .where('recorded_at', '<', before)
    .limit(BATCH);
}

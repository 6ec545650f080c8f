import type { Selectable, Transaction } from 'kysely';
import type { TransactionsTable } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';
import { claimWaits, standingAfter } from './standing-after.ts';
import { standingsOf } from './standing-rows.ts';

type TransactionRow = Selectable<TransactionsTable>;

/** What developers signed is published: projects stand where that puts them. Their roles' newest bytes are kept elsewhere. */
export async function markTransactions(
  db: Transaction<Database>,
  rows: readonly TransactionRow[],
  now: Date,
): Promise<void> {
  if (rows.length === 0) return;
  const before = await standingsOf(
    db,
    rows.map(({ project }) => project),
  );
  for (const row of rows) {
    const standing = before.get(row.project);
    if (claimWaits(row, standing)) await recordWaitingClaim(db, row);
    const after = standingAfter(row, standing, now);
    if (!after) continue;
    const { project: _, ...changed } = after;
    await db
      .insertInto('standings')
      .values(after)
      .onConflict((conflict) => conflict.column('project').doUpdateSet(changed))
      .execute();
  }
  await stageRevoked(
    db,
    rows.filter(({ revoked }) => revoked === 1),
  );
  const ids = rows.map(({ id }) => id);
  await db.updateTable('transactions').set({ state: 'published' }).where('id', 'in', ids).execute();
  await db
    .updateTable('transaction_roles')
    .set({ bytes: new Uint8Array() })
    .where('transaction_id', 'in', ids)
    .execute();
}

async function recordWaitingClaim(db: Transaction<Database>, row: TransactionRow): Promise<void> {
  const { project, keys, threshold, account, recorded_at, generation } = row;
  const claim = { keys: keys ?? '', threshold: threshold ?? 1, account, recorded_at, generation: generation ?? 1 };
  await db
    .insertInto('claims_waiting')
    .values({ project, ...claim })
    .onConflict((conflict) => conflict.column('project').doUpdateSet(claim))
    .execute();
}

/** Nothing that is signed leads to their files any more. They wait until somebody claims the project anew and signs for them. */
async function stageRevoked(db: Transaction<Database>, rows: readonly TransactionRow[]): Promise<void> {
  const projects = rows.map(({ project }) => project);
  if (projects.length === 0) return;
  await db
    .updateTable('files')
    .set({ state: 'staged' })
    .where('project', 'in', projects)
    .where('state', '=', 'published')
    .execute();
}

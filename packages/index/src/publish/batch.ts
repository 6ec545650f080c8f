import type { Kysely, Selectable } from 'kysely';
import type { TransactionsTable } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';
import { type ChangedFile } from './bin-roles.ts';
import { type Change, outcomesOf } from './outcomes.ts';
import type { SignedRole } from './sign-roles.ts';
import { type StandingRow, standingsOf } from './standing-rows.ts';
import { standingAfter } from './standing-after.ts';

/** Changes that share one publication. */
const MAX_CHANGES = 500;
/** Bytes of what developers signed in one publication, unless one transaction has more. */
const MAX_BYTES = 64 << 20;

/** What developers signed, ready to be published. */
export interface QueuedTransaction {
  readonly row: Selectable<TransactionsTable>;
  /** Roles and rotate files, as they were signed. */
  readonly roles: readonly SignedRole[];
  /** Roles of the project that nothing leads to any more. */
  readonly retired: readonly string[];
}

/** What one publication makes of the changes that it takes from the queue. */
export interface Batch {
  readonly changes: readonly Change[];
  /** Of projects that are unclaimed. */
  readonly files: readonly ChangedFile[];
  readonly transactions: readonly QueuedTransaction[];
  /** Standings that the index changes by itself, as they are afterwards. */
  readonly standings: ReadonlyMap<string, StandingRow>;
  /** Projects that are unclaimed until then. */
  readonly claimed: ReadonlySet<string>;
  /** Projects whose files change. */
  readonly projects: ReadonlySet<string>;
}

/** The oldest of what waits. A transaction counts as one; what it makes of files belongs to it. */
export async function waitingChanges(db: Kysely<Database>): Promise<readonly Change[]> {
  const changes = await db
    .selectFrom('changes')
    .selectAll()
    .where('publication', 'is', null)
    .where((where) => where.or([where('transaction_id', 'is', null), where('kind', '=', 'transaction')]))
    .orderBy('id')
    .limit(MAX_CHANGES)
    .execute();
  const sizes = await bytesOf(db, transactionsIn(changes));
  let bytes = 0;
  const end = changes.findIndex(({ transaction_id }, at) => {
    bytes += sizes.get(transaction_id ?? 0) ?? 0;
    return at > 0 && bytes > MAX_BYTES;
  });
  return end < 0 ? changes : changes.slice(0, end);
}

const transactionsIn = (changes: readonly Change[]): number[] =>
  changes.flatMap(({ transaction_id }) => (transaction_id === null ? [] : [transaction_id]));

async function bytesOf(db: Kysely<Database>, ids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('transaction_roles')
    .select(['transaction_id', (eb) => eb.fn.sum<number | string>('length').as('bytes')])
    .where('transaction_id', 'in', ids)
    .groupBy('transaction_id')
    .execute();
  return new Map(rows.map(({ transaction_id, bytes }) => [transaction_id, Number(bytes)]));
}

/** Reads everything that the changes name. */
export async function loadBatch(db: Kysely<Database>, changes: readonly Change[], now: Date): Promise<Batch> {
  const transactions = await loadTransactions(db, transactionsIn(changes));
  const files = await changedFiles(db, changes);
  const names = [...files.map(({ row }) => row.project), ...transactions.map(({ row }) => row.project)];
  const before = await standingsOf(db, names);
  const standings = new Map<string, StandingRow>();
  for (const { row } of transactions) {
    const after = standingAfter(row, before.get(row.project), now);
    if (after) standings.set(row.project, after);
  }
  return {
    changes,
    files: files.filter(({ row }) => !before.has(row.project) && !standings.has(row.project)),
    transactions,
    standings,
    claimed: new Set([...standings.keys()].filter((project) => !before.has(project))),
    projects: new Set(names),
  };
}

async function loadTransactions(db: Kysely<Database>, ids: readonly number[]): Promise<QueuedTransaction[]> {
  if (ids.length === 0) return [];
  const [rows, roles] = await Promise.all([
    db.selectFrom('transactions').selectAll().where('id', 'in', ids).orderBy('id').execute(),
    db.selectFrom('transaction_roles').selectAll().where('transaction_id', 'in', ids).orderBy('role').execute(),
  ]);
  return rows.map((row) => {
    const own = roles.filter(({ transaction_id }) => transaction_id === row.id);
    return {
      row,
      roles: own
        .filter(({ retired }) => retired === 0)
        .map(({ role, version, expires_at, sha256, length, bytes }) => {
          return { role, version, expiresAt: expires_at, sha256, length, bytes };
        }),
      retired: own.filter(({ retired }) => retired !== 0).map(({ role }) => role),
    };
  });
}

async function changedFiles(db: Kysely<Database>, changes: readonly Change[]): Promise<ChangedFile[]> {
  const outcomes = outcomesOf(changes);
  if (outcomes.size === 0) return [];
  const rows = await db
    .selectFrom('files')
    .selectAll()
    .where('filename', 'in', [...outcomes.keys()])
    .execute();
  return rows.flatMap((row) => {
    const outcome = outcomes.get(row.filename);
    return outcome ? [{ row, outcome }] : [];
  });
}

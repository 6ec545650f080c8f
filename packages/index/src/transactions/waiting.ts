import { type CheckedTransaction, parseRotationRole, type ProjectTransaction, rotationRole } from '@holdfast/trust';
import { parseTargets } from '@holdfast/tuf';
import type { Kysely, Transaction } from 'kysely';
import type { TransactionRolesTable } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';
import { tooManyWaiting } from './refusals.ts';
import { claimOf, claimText, NEVER, roleRow } from './transaction-rows.ts';

/** A transaction in which everything is right but that signatures are missing. */
export interface WaitingTransaction {
  readonly id: number;
  /** Who brought it first. */
  readonly account: string;
  readonly recordedAt: Date;
  readonly transaction: ProjectTransaction;
}

/** Transactions of one project that wait at a time. */
const MOST_WAITING = 16;

/** What waits of a project, oldest first. */
export async function loadWaiting(db: Kysely<Database>, project: string): Promise<readonly WaitingTransaction[]> {
  const rows = await db
    .selectFrom('transactions')
    .select(['id', 'account', 'recorded_at', 'claim'])
    .where('project', '=', project)
    .where('state', '=', 'waiting')
    .orderBy('id')
    .execute();
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const roles = await db
    .selectFrom('transaction_roles')
    .select(['transaction_id', 'role', 'bytes'])
    .where('transaction_id', 'in', ids)
    .orderBy('role')
    .execute();
  return rows.map(({ id, account, recorded_at, claim }) => {
    const own = roles.filter(({ transaction_id }) => transaction_id === id);
    return { id, account, recordedAt: new Date(recorded_at), transaction: transactionOf(claim, own) };
  });
}

function transactionOf(
  claim: string | null,
  rows: readonly Pick<TransactionRolesTable, 'role' | 'bytes'>[],
): ProjectTransaction {
  const rotation = rows.find(({ role }) => parseRotationRole(role));
  const roles = new Map(rows.filter((row) => row !== rotation).map(({ role, bytes }) => [role, bytes]));
  return { roles, ...(claim !== null && { claim: claimOf(claim) }), ...(rotation && { rotation: rotation.bytes }) };
}

/** The one that waits for the same roles, whatever it says of them. At most one does. */
export function waitingAlike(
  waiting: readonly WaitingTransaction[],
  transaction: ProjectTransaction,
): WaitingTransaction | undefined {
  const wanted = outline(transaction);
  return waiting.find((each) => outline(each.transaction) === wanted);
}

const outline = ({ roles, rotation }: ProjectTransaction): string =>
  JSON.stringify([[...roles.keys()].sort(), rotation !== undefined]);

export interface Keeping {
  readonly project: string;
  readonly account: string;
  readonly now: Date;
  /** Published rotate files of the role so far. */
  readonly rotations: number;
  /** The one of the same roles that waited until now. */
  readonly replaces: WaitingTransaction | undefined;
}

/** Keeps a transaction until somebody brings the missing signatures. @throws HttpError when too many wait already */
export async function keepWaiting(
  db: Transaction<Database>,
  transaction: ProjectTransaction,
  checked: CheckedTransaction,
  { project, account, now, rotations, replaces }: Keeping,
): Promise<void> {
  if (replaces) await dropTransactions(db, [replaces.id]);
  const others = await db
    .selectFrom('transactions')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .where('project', '=', project)
    .where('state', '=', 'waiting')
    .executeTakeFirstOrThrow();
  if (Number(others.count) >= MOST_WAITING) throw tooManyWaiting(project);
  const { id } = await db
    .insertInto('transactions')
    .values({
      project,
      account,
      recorded_at: now.getTime(),
      claim: transaction.claim ? claimText(transaction.claim) : null,
      state: 'waiting',
      publication: null,
      role: null,
      keys: null,
      threshold: null,
      rotations: null,
      generation: null,
      revoked: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const rows = Array.from(transaction.roles, ([role, bytes]) => {
    const { version, expires } = parseTargets(bytes).signed;
    return roleRow(id, role, version, expires.getTime(), bytes);
  });
  if (transaction.rotation) {
    const number = rotations + 1;
    rows.push(roleRow(id, rotationRole(checked.role, number), number, NEVER, transaction.rotation));
  }
  for (const row of rows) await db.insertInto('transaction_roles').values(row).execute();
}

/** Drops what waits and can come to nothing once this is queued: its versions are taken, or its keys are not those any more. */
export async function dropOvertaken(
  db: Transaction<Database>,
  project: string,
  { claim, rotation, roles }: CheckedTransaction,
): Promise<void> {
  const taken = new Set(roles.map(({ role }) => role));
  const waiting = await loadWaiting(db, project);
  const overtaken = waiting.filter(
    ({ transaction }) => claim || rotation || [...transaction.roles.keys()].some((role) => taken.has(role)),
  );
  await dropTransactions(
    db,
    overtaken.map(({ id }) => id),
  );
}

export async function dropTransactions(db: Transaction<Database>, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .deleteFrom('transaction_roles')
    .where('transaction_id', 'in', [...ids])
    .execute();
  await db
    .deleteFrom('transactions')
    .where('id', 'in', [...ids])
    .execute();
}

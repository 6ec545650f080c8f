import type { ProjectName } from '@holdfast/python-index';
import { type Distribution, parseProjectRole, parseRotationRole } from '@holdfast/trust';
import type { PublicKey } from '@holdfast/tuf';
import type { Insertable, Transaction } from 'kysely';
import { chunks } from '../publish/chunks.ts';
import { keysText } from '../publish/standing-rows.ts';
import { claimWaits } from '../publish/standing-after.ts';
import type { TransactionRolesTable } from '../records/claims-schema.ts';
import type { ChangesTable, Database } from '../records/schema.ts';
import { assertRoom } from './bin-room.ts';
import { claimText, NEVER, roleRow } from './transaction-rows.ts';
import { assertUnmoved, type TransactionBase } from './unmoved.ts';
import { fileChanges } from './file-changes.ts';

/** What {@link queueTransaction} takes of a `CheckedTransaction` that lacks no signature. */
export interface CompleteTransaction {
  readonly claim: { readonly keys: ReadonlyMap<string, PublicKey>; readonly threshold: number } | undefined;
  readonly role: string;
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly threshold: number;
  readonly rotations: number;
  readonly rotation: { readonly bytes: Uint8Array; readonly entry: string | undefined } | undefined;
  readonly revoked: boolean;
  readonly roles: readonly SignedByDevelopers[];
  readonly retired: readonly string[];
  readonly files: ReadonlyMap<string, Distribution>;
}

interface SignedByDevelopers {
  readonly role: string;
  readonly version: number;
  readonly expires: Date;
  readonly bytes: Uint8Array;
}

export interface TransactionMeta {
  readonly project: ProjectName;
  readonly account: string;
  readonly now: Date;
  /** What it was checked against. */
  readonly base: TransactionBase;
}

const ROWS_PER_STATEMENT = 200;

/**
 * Puts a transaction that was checked into the queue: from the commit on it will be published, all of it in one publication. Of one
 * project only one waits at a time, so what a transaction was checked against is what is published.
 * @returns the id of its change: whoever waits for that waits for all of it
 * @throws VersionTakenError when something moved since it was checked, or HttpError when its roles find no room; nothing was changed
 */
export async function queueTransaction(
  db: Transaction<Database>,
  checked: CompleteTransaction,
  meta: TransactionMeta,
): Promise<number> {
  const { project, account, now, base } = meta;
  await assertUnmoved(db, project, base, checked);
  const entry = checked.rotation?.entry;
  await assertRoom(db, project, [
    ...checked.roles.map((signed) => signed.role),
    ...(entry === undefined ? [] : [entry]),
  ]);
  const { role, threshold, rotations } = checked;
  const row = {
    project,
    account,
    recorded_at: now.getTime(),
    claim: checked.claim ? claimText(checked.claim) : null,
    state: 'queued' as const,
    publication: null,
    role,
    keys: keysText(checked.keys.values()),
    threshold,
    rotations,
    generation: parseProjectRole(role)?.generation ?? 1,
    revoked: checked.revoked ? 1 : 0,
  };
  const { id } = await db.insertInto('transactions').values(row).returning('id').executeTakeFirstOrThrow();
  await insertRoles(db, id, checked);
  await insertEvidence(db, checked, meta);
  // What only an offline signing brings into force changes no file before. A revocation takes none away: they wait for other signatures.
  const changesFiles = !claimWaits(row, base.standing) && !checked.revoked;
  const files = changesFiles ? await fileChanges(db, project, checked.files) : [];
  const common = { account, recorded_at: now.getTime(), publication: null, transaction_id: id };
  const changes = files.map((change): Insertable<ChangesTable> => ({ ...change, ...common }));
  for (const some of chunks(changes, ROWS_PER_STATEMENT)) await db.insertInto('changes').values(some).execute();
  const change = await db
    .insertInto('changes')
    .values({ kind: 'transaction', filename: null, reason: null, ...common })
    .returning('id')
    .executeTakeFirstOrThrow();
  return change.id;
}

async function insertRoles(db: Transaction<Database>, id: number, checked: CompleteTransaction): Promise<void> {
  const rows: Insertable<TransactionRolesTable>[] = checked.roles.map(({ role, version, expires, bytes }) => {
    return roleRow(id, role, version, expires.getTime(), bytes);
  });
  const { rotation } = checked;
  if (rotation?.entry !== undefined) {
    const version = parseRotationRole(rotation.entry)?.version ?? 0;
    rows.push(roleRow(id, rotation.entry, version, NEVER, rotation.bytes));
  }
  for (const role of checked.retired) rows.push({ ...roleRow(id, role, 0, 0, new Uint8Array()), retired: 1 });
  for (const row of rows) await db.insertInto('transaction_roles').values(row).execute();
}

/** What operators look at before they sign. */
async function insertEvidence(
  db: Transaction<Database>,
  { claim, rotation, revoked }: CompleteTransaction,
  { project, now }: TransactionMeta,
): Promise<void> {
  const at = now.getTime();
  if (claim) {
    const bytes = new TextEncoder().encode(claimText(claim));
    await db.insertInto('evidence').values({ project, at, kind: 'claim', bytes }).execute();
  }
  if (rotation) {
    const kind = revoked ? ('revocation' as const) : ('rotation' as const);
    await db.insertInto('evidence').values({ project, at, kind, bytes: rotation.bytes }).execute();
  }
}

import { sql, type Transaction } from 'kysely';
import type { Records } from '../records/records.ts';
import type { Database, FileState } from '../records/schema.ts';
import { chunks } from './chunks.ts';
import { IS_KEPT } from './kept-roles.ts';
import { markTransactions } from './mark-transactions.ts';
import { markOffered } from './offer/mark-offered.ts';
import { type Change, IS_EFFECTIVE, outcomesOf } from './outcomes.ts';

interface Finished {
  readonly id: number;
  /** The publication whose roles the snapshot lists that its timestamp names. */
  readonly lists: number;
}

/** What was prepared is published: everyone can fetch it. One transaction, and the records no longer keep its bytes. */
export async function markPublished(records: Records, { id, lists }: Finished, now: Date): Promise<void> {
  // What a publication holds does not change any more, so it can be read before the transaction.
  const changes = await records.read
    .selectFrom('changes')
    .leftJoin('files', 'files.filename', 'changes.filename')
    .selectAll('changes')
    .where('publication', '=', id)
    .where(IS_EFFECTIVE)
    .orderBy('id')
    .execute();
  const transactions = await records.read
    .selectFrom('transactions')
    .selectAll()
    .where('publication', '=', id)
    .execute();
  await records.write(async (db) => {
    await markFiles(db, changes);
    await markTransactions(db, transactions, now);
    await Promise.all([
      noteReplaced(db, id, lists),
      adoptRoles(db, id),
      keepOffline(db, id),
      forgetRetired(db, id),
      db.deleteFrom('prepared').where('publication', '=', id).execute(),
      db.updateTable('publications').set({ published_at: now.getTime() }).where('id', '=', id).execute(),
    ]);
    await markOffered(db, id);
  });
}

async function markFiles(db: Transaction<Database>, changes: readonly Change[]): Promise<void> {
  const added: string[] = [];
  const signed = new Set(
    changes.flatMap(({ filename, transaction_id, offered }) =>
      transaction_id === null && offered === 0 ? [] : (filename ?? []),
    ),
  );
  for (const [filename, outcome] of outcomesOf(changes)) {
    if (outcome.deleted) {
      await markDeleted(db, filename);
      continue;
    }
    if (outcome.added) added.push(filename);
    if (outcome.yanked !== undefined) {
      await db.updateTable('files').set({ yanked: outcome.yanked }).where('filename', '=', filename).execute();
    }
  }
  for (const some of chunks(
    added.filter((name) => signed.has(name)),
    FILES_PER_STATEMENT,
  ))
    await db.updateTable('files').set({ state: 'published' }).where('filename', 'in', some).execute();
  for (const some of chunks(
    added.filter((name) => !signed.has(name)),
    FILES_PER_STATEMENT,
  ))
    await db.updateTable('files').set({ state: PUBLISHED_OR_STAGED }).where('filename', 'in', some).execute();
}

/** What the index does not sign for, because the project was claimed in the meantime, waits for those who do. */
const PUBLISHED_OR_STAGED = sql<FileState>`case when exists (
  select 1 from standings s where s.project = files.project) then 'staged' else 'published' end`;
const FILES_PER_STATEMENT = 500;

async function markDeleted(db: Transaction<Database>, filename: string): Promise<void> {
  const file = await db
    .updateTable('files')
    .set({ state: 'deleted' })
    .where('filename', '=', filename)
    .where('state', '<>', 'deleted')
    .returning(['project', 'size'])
    .executeTakeFirst();
  if (!file) return; // Two who asked at once, in two publications.
  await db
    .updateTable('projects')
    .set(({ eb }) => ({ bytes: eb('bytes', '-', file.size) }))
    .where('name', '=', file.project)
    .execute();
}

/**
 * Objects that nothing new leads to, with the publication that a flat snapshot has to list before nobody looks for them.
 * The timestamp has one name, which is switched; all others leave an object behind.
 */
function noteReplaced(db: Transaction<Database>, id: number, lists: number): Promise<unknown> {
  return sql`
    insert into replaced (role, version, sha256, publication)
    select roles.role, roles.version, roles.sha256, case when roles.role = 'snapshot' then cast(${lists} as bigint) else cast(${id} as bigint) end
    from prepared join roles on roles.role = prepared.role
    where prepared.publication = ${id} and prepared.version > roles.version and roles.role <> 'timestamp'`.execute(db);
}

function adoptRoles(db: Transaction<Database>, id: number): Promise<unknown> {
  return sql`
    insert into roles (role, version, expires_at, publication, sha256, length, retired)
    select role, version, expires_at, publication, sha256, length, retired from prepared where publication = ${id}
    on conflict (role) do update set version = excluded.version, expires_at = excluded.expires_at,
      publication = excluded.publication, sha256 = excluded.sha256, length = excluded.length,
      retired = excluded.retired`.execute(db);
}

function keepOffline(db: Transaction<Database>, id: number): Promise<unknown> {
  return sql`
    insert into offline_roles (role, version, bytes)
    select role, version, bytes from prepared where publication = ${id} and retired = 0 and bytes is not null and ${IS_KEPT}
    on conflict (role) do update set version = excluded.version, bytes = excluded.bytes`.execute(db);
}

/** Nobody needs them to be put again. */
function forgetRetired(db: Transaction<Database>, id: number): Promise<unknown> {
  return sql`delete from offline_roles where role in (
    select role from prepared where publication = ${id} and retired = 1)`.execute(db);
}

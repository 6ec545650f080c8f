import { hash } from 'node:crypto';
import { DamagedIndexError, ObjectStoreError } from '../errors.ts';
import { putFeedOf } from '../feed/publication-chunk.ts';
import { sql, type Transaction } from 'kysely';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { chunks } from './chunks.ts';
import { objectKeyOf } from './file-rows.ts';
import { IS_EFFECTIVE } from './outcomes.ts';
import { isRotation } from './kept-roles.ts';
import { markPublished } from './mark-published.ts';
import type { Publication } from './prepare.ts';
import type { RootVersion } from './roots.ts';
import type { SignedRole } from './sign-roles.ts';
import { switchTimestamp, TIMESTAMP_KEY } from './switch-timestamp.ts';

/** A publication that is recorded and not yet known to be in the object store. */
export interface PendingPublication {
  readonly id: number;
  readonly snapshot: number;
  /** Of the snapshot that its timestamp names: the publication whose roles that lists. */
  readonly lists: number;
  readonly root?: RootVersion;
  readonly roles: readonly PendingRole[];
  /** Roles that leave the bin tree. */
  readonly retired: readonly string[];
  /** Ids of the changes that it publishes. */
  readonly changes: readonly number[];
  /** Projects whose files these changes touch. */
  readonly projects: ReadonlySet<string>;
}

/** The bytes are missing where the object store had them before the publication was recorded. */
export type PendingRole = Omit<SignedRole, 'bytes'> & { readonly bytes: Uint8Array | undefined };

/** Roles that are put at the same time. */
const PARALLEL_PUTS = 32;
const ROLES_PER_STATEMENT = 64;

/**
 * Writes a signed publication into the records, in one transaction: from here on its version numbers mean these bytes, and
 * a crash at any later point leads to the same bytes being put again.
 * @param also belongs to the same transaction
 * @returns what {@link finishPublication} makes visible
 */
export async function recordPublication(
  records: Records,
  publication: Publication,
  now: Date,
  also: (db: Transaction<Database>) => Promise<void> = async () => {},
): Promise<PendingPublication> {
  const { id, snapshot, lists, root, roles, retired } = publication;
  const changes = publication.changes.map((change) => change.id);
  const transactions = publication.transactions.map(({ row }) => row.id);
  // One statement for many roles, and no waiting between statements: each answer comes from another thread or machine.
  await records.write((db) =>
    Promise.all([
      also(db),
      db
        .insertInto('publications')
        .values({ id, snapshot, lists, prepared_at: now.getTime(), published_at: null })
        .execute(),
      root &&
        db
          .insertInto('roots')
          .values({ ...root, publication: id })
          .execute(),
      ...Array.from(chunks(roles, ROLES_PER_STATEMENT), (some) => insertPrepared(db, id, some)),
      ...Array.from(chunks(retired, ROLES_PER_STATEMENT), (some) => insertRetired(db, id, some)),
      changes.length > 0 && db.updateTable('changes').set({ publication: id }).where('id', 'in', changes).execute(),
      transactions.length > 0 && numberTransactions(db, id, transactions),
    ]),
  );
  return { ...publication, changes };
}

/** With all that they make of files. */
async function numberTransactions(
  db: Transaction<Database>,
  id: number,
  transactions: readonly number[],
): Promise<void> {
  await db.updateTable('changes').set({ publication: id }).where('transaction_id', 'in', transactions).execute();
  await db.updateTable('transactions').set({ publication: id }).where('id', 'in', transactions).execute();
}

function insertPrepared(
  db: Transaction<Database>,
  publication: number,
  roles: readonly SignedRole[],
): Promise<unknown> {
  return db
    .insertInto('prepared')
    .values(
      roles.map(({ role, version, expiresAt, sha256, length, bytes }) => ({
        role,
        version,
        expires_at: expiresAt,
        publication,
        sha256,
        length,
        retired: 0,
        bytes,
      })),
    )
    .execute();
}

/** They keep their version. */
function insertRetired(db: Transaction<Database>, publication: number, roles: readonly string[]): Promise<unknown> {
  return db
    .insertInto('prepared')
    .columns(['role', 'version', 'expires_at', 'publication', 'sha256', 'length', 'retired'])
    .expression((eb) =>
      eb
        .selectFrom('roles')
        .select(['role', 'version', 'expires_at'])
        .select([sql<number>`cast(${publication} as bigint)`.as('publication'), 'sha256', 'length'])
        .select(sql<number>`1`.as('retired'))
        .where('role', 'in', roles),
    )
    .execute();
}

/** The publication that a crash or a failing store left between the records and the object store. There is at most one. */
export async function unfinishedPublication(records: Records): Promise<PendingPublication | undefined> {
  const publication = await records.read
    .selectFrom('publications')
    .select(['id', 'snapshot', 'lists'])
    .where('published_at', 'is', null)
    .executeTakeFirst();
  if (!publication) return undefined;
  const rows = await records.read
    .selectFrom('prepared')
    .selectAll()
    .where('publication', '=', publication.id)
    .execute();
  for (const { role, sha256, bytes } of rows) if (bytes) assertUndamaged(role, sha256, bytes);
  const root = await records.read
    .selectFrom('roots')
    .select(['version', 'bytes'])
    .where('publication', '=', publication.id)
    .executeTakeFirst();
  const changes = await records.read
    .selectFrom('changes')
    .leftJoin('files', 'files.filename', 'changes.filename')
    .select(['changes.id', 'changes.offered', 'files.project'])
    .where('changes.publication', '=', publication.id)
    .execute();
  return {
    ...publication,
    ...(root && { root }),
    roles: rows
      .filter(({ retired }) => retired === 0)
      .map(({ role, version, expires_at, sha256, length, bytes }) => {
        return { role, version, expiresAt: expires_at, sha256, length, bytes: bytes ?? undefined };
      }),
    retired: rows.filter(({ retired }) => retired !== 0).map(({ role }) => role),
    changes: changes.filter(({ offered }) => offered === 0).map(({ id }) => id),
    projects: new Set(changes.flatMap(({ project }) => project ?? [])),
  };
}

/**
 * Puts what the timestamp leads to, then the root if there is a new one, then the timestamp, each durable before the next,
 * and marks everything as published. A new root stands last but one: keys that it replaces signed everything until then.
 */
export async function finishPublication(
  records: Records,
  objects: ObjectStore,
  pending: PendingPublication,
  now: Date,
): Promise<void> {
  const { root, roles } = pending;
  await Promise.all([
    putRoles(
      objects,
      roles.filter(({ role }) => role !== 'timestamp'),
    ),
    putFeedOf(records, objects, pending),
  ]);
  if (root) await putObject(objects, roleKey('root', root.version), root.bytes, hash('sha256', root.bytes));
  for (const { role, bytes } of roles) if (role === 'timestamp' && bytes) await switchTimestamp(objects, bytes);
  await removeDeleted(records, objects, pending.id);
  await markPublished(records, pending, now);
}

/**
 * Where the bytes of a role stand. The timestamp has one name, which is switched (TUF 1.0.34 §6.2); a rotate file has its version in the
 * name (TAP 8).
 */
export function roleKey(role: string, version: number): string {
  if (role === 'timestamp') return TIMESTAMP_KEY;
  return isRotation(role) ? `metadata/${role}.json` : `metadata/${version}.${role}.json`;
}

/** SQLite does not notice a changed byte in the middle of a value; signing on from one would spread it. */
export function assertUndamaged(role: string, sha256: string, bytes: Uint8Array): void {
  if (hash('sha256', bytes) !== sha256) throw new DamagedIndexError('records', `${role} is not what was signed`);
}

/** Removes the bytes of the files that a publication takes away (P12): nothing that is signed leads to them any more. */
async function removeDeleted(records: Records, objects: ObjectStore, id: number): Promise<void> {
  const rows = await records.read
    .selectFrom('changes')
    .innerJoin('files', 'files.filename', 'changes.filename')
    .select(['files.project', 'files.filename', 'files.sha256'])
    .where('changes.publication', '=', id)
    .where('changes.kind', '=', 'delete')
    .where(IS_EFFECTIVE)
    .execute();
  for (const key of rows.map(objectKeyOf)) {
    await objects.delete(key);
    await objects.delete(`${key}.metadata`);
  }
}

export async function putRoles(objects: ObjectStore, roles: readonly PendingRole[]): Promise<void> {
  for (const some of chunks(roles, PARALLEL_PUTS)) {
    await Promise.all(
      some.map(async ({ role, version, sha256, bytes }) => {
        if (bytes) await putObject(objects, roleKey(role, version), bytes, sha256);
      }),
    );
  }
}

/** A version in a name never shows two contents. */
async function putObject(objects: ObjectStore, key: string, bytes: Uint8Array, sha256: string): Promise<void> {
  if ((await objects.put(key, bytes, { ifAbsent: true })) === 'stored') return;
  const before = await objects.get(key, { maxLength: Number.MAX_SAFE_INTEGER });
  if (!before) throw new ObjectStoreError(key, 'an object that is there and cannot be read', undefined);
  if (hash('sha256', before) !== sha256) {
    throw new DamagedIndexError(key, 'other bytes than those of the records stand there');
  }
}

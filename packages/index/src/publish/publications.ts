import { hash } from 'node:crypto';
import { DamagedIndexError, ObjectStoreError } from '../errors.ts';
import type { Transaction } from 'kysely';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { chunks } from './chunks.ts';
import { objectKeyOf } from './file-rows.ts';
import type { Publication } from './prepare.ts';
import { outcomesOf } from './outcomes.ts';
import type { RootVersion } from './roots.ts';
import { switchTimestamp, TIMESTAMP_KEY } from './switch-timestamp.ts';

/** A publication that is recorded and not yet known to be in the object store. */
export interface PendingPublication {
  readonly id: number;
  readonly snapshot: number;
  readonly root?: RootVersion;
  readonly roles: readonly RoleBytes[];
  /** Ids of the changes that it publishes. */
  readonly changes: readonly number[];
  /** Projects whose files these changes touch. */
  readonly projects: ReadonlySet<string>;
}

export interface RoleBytes {
  readonly role: string;
  readonly version: number;
  readonly expiresAt: number;
  readonly bytes: Uint8Array;
}

/** Roles that are put at the same time. */
const PARALLEL_PUTS = 32;
const ROLES_PER_STATEMENT = 64;

/**
 * Writes a signed publication into the records, in one transaction: from here on its version numbers mean these bytes, and
 * a crash at any later point leads to the same bytes being put again.
 */
export async function recordPublication(records: Records, publication: Publication, now: Date): Promise<void> {
  const { id, snapshot, root, roles, changes } = publication;
  const ids = changes.map((change) => change.id);
  // One statement for many roles, and no waiting between statements: each answer comes from another thread or machine.
  await records.write((db) =>
    Promise.all([
      db.insertInto('publications').values({ id, snapshot, prepared_at: now.getTime(), published_at: null }).execute(),
      root &&
        db
          .insertInto('roots')
          .values({ ...root, publication: id })
          .execute(),
      ...Array.from(chunks(roles, ROLES_PER_STATEMENT), (some) => noteReplaced(db, id, some)),
      ...Array.from(chunks(roles, ROLES_PER_STATEMENT), (some) => upsertRoles(db, id, some)),
      ids.length > 0 && db.updateTable('changes').set({ publication: id }).where('id', 'in', ids).execute(),
    ]),
  );
}

/** The timestamp has one name, which is switched; all others leave an object behind. */
function noteReplaced(db: Transaction<Database>, publication: number, roles: readonly RoleBytes[]): Promise<unknown> {
  const names = roles.map(({ role }) => role).filter((role) => role !== 'timestamp');
  return db
    .insertInto('replaced')
    .columns(['role', 'version', 'publication'])
    .expression((eb) =>
      eb
        .selectFrom('roles')
        .select(['role', 'version', eb.val(publication).as('publication')])
        .where('role', 'in', names),
    )
    .execute();
}

function upsertRoles(db: Transaction<Database>, publication: number, roles: readonly RoleBytes[]): Promise<unknown> {
  return db
    .insertInto('roles')
    .values(
      roles.map(({ role, version, expiresAt, bytes }) => ({
        role,
        version,
        expires_at: expiresAt,
        publication,
        sha256: hash('sha256', bytes),
        bytes,
      })),
    )
    .onConflict((conflict) =>
      conflict.column('role').doUpdateSet((row) => ({
        version: row.ref('excluded.version'),
        expires_at: row.ref('excluded.expires_at'),
        publication: row.ref('excluded.publication'),
        sha256: row.ref('excluded.sha256'),
        bytes: row.ref('excluded.bytes'),
      })),
    )
    .execute();
}

/** The publication that a crash or a failing store left between the records and the object store. There is at most one. */
export async function unfinishedPublication(records: Records): Promise<PendingPublication | undefined> {
  const publication = await records.read
    .selectFrom('publications')
    .select(['id', 'snapshot'])
    .where('published_at', 'is', null)
    .executeTakeFirst();
  if (!publication) return undefined;
  const rows = await records.read
    .selectFrom('roles')
    .select(['role', 'version', 'expires_at', 'sha256', 'bytes'])
    .where('publication', '=', publication.id)
    .execute();
  for (const { role, sha256, bytes } of rows) assertUndamaged(role, sha256, bytes);
  const root = await records.read
    .selectFrom('roots')
    .select(['version', 'bytes'])
    .where('publication', '=', publication.id)
    .executeTakeFirst();
  const changes = await records.read
    .selectFrom('changes')
    .innerJoin('files', 'files.filename', 'changes.filename')
    .select(['changes.id', 'files.project'])
    .where('changes.publication', '=', publication.id)
    .execute();
  return {
    ...publication,
    ...(root && { root }),
    roles: rows.map(({ role, version, expires_at, bytes }) => ({ role, version, expiresAt: expires_at, bytes })),
    changes: changes.map(({ id }) => id),
    projects: new Set(changes.map(({ project }) => project)),
  };
}

/**
 * Puts what the timestamp leads to, then the root if there is a new one, then the timestamp, each durable before the next,
 * and marks the files as published. A new root stands last but one: keys that it replaces signed everything until then.
 */
export async function finishPublication(
  records: Records,
  objects: ObjectStore,
  pending: PendingPublication,
  now: Date,
): Promise<void> {
  const { root, roles } = pending;
  await putRoles(
    objects,
    roles.filter(({ role }) => role !== 'timestamp'),
  );
  if (root) await putRole(objects, { role: 'root', ...root });
  for (const { bytes } of roles.filter(({ role }) => role === 'timestamp')) await switchTimestamp(objects, bytes);
  await removeDeleted(records, objects, pending.id);
  await markPublished(records, pending.id, now);
}

/** Where the bytes of a role stand. The timestamp has one name, which is switched (TUF 1.0.34 §6.2). */
export function roleKey(role: string, version: number): string {
  return role === 'timestamp' ? TIMESTAMP_KEY : `metadata/${version}.${role}.json`;
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
    .execute();
  for (const key of rows.map(objectKeyOf)) {
    await objects.delete(key);
    await objects.delete(`${key}.metadata`);
  }
}

async function putRoles(objects: ObjectStore, roles: readonly RoleBytes[]): Promise<void> {
  for (const some of chunks(roles, PARALLEL_PUTS)) {
    await Promise.all(some.map((role) => putRole(objects, role)));
  }
}

/** A version in a name never shows two contents. */
async function putRole(objects: ObjectStore, { role, version, bytes }: Omit<RoleBytes, 'expiresAt'>): Promise<void> {
  const key = roleKey(role, version);
  if ((await objects.put(key, bytes, { ifAbsent: true })) === 'stored') return;
  const before = await objects.get(key, { maxLength: Number.MAX_SAFE_INTEGER });
  if (!before) throw new ObjectStoreError(key, 'an object that is there and cannot be read', undefined);
  if (hash('sha256', before) !== hash('sha256', bytes)) {
    throw new DamagedIndexError(key, 'other bytes than those of the records stand there');
  }
}

async function markPublished(records: Records, id: number, now: Date): Promise<void> {
  // What a publication holds does not change any more, so it can be read before the transaction.
  const changes = await records.read
    .selectFrom('changes')
    .selectAll()
    .where('publication', '=', id)
    .orderBy('id')
    .execute();
  await records.write(async (db) => {
    const added: string[] = [];
    for (const [filename, outcome] of outcomesOf(changes)) {
      if (outcome.deleted) {
        const file = await db
          .updateTable('files')
          .set({ state: 'deleted' })
          .where('filename', '=', filename)
          .where('state', '<>', 'deleted')
          .returning(['project', 'size'])
          .executeTakeFirst();
        if (!file) continue; // Two who asked at once, in two publications.
        await db
          .updateTable('projects')
          .set(({ eb }) => ({ bytes: eb('bytes', '-', file.size) }))
          .where('name', '=', file.project)
          .execute();
        continue;
      }
      if (outcome.added) added.push(filename);
      if (outcome.yanked !== undefined) {
        await db.updateTable('files').set({ yanked: outcome.yanked }).where('filename', '=', filename).execute();
      }
    }
    await Promise.all([
      added.length > 0 && db.updateTable('files').set({ state: 'published' }).where('filename', 'in', added).execute(),
      db.updateTable('publications').set({ published_at: now.getTime() }).where('id', '=', id).execute(),
    ]);
  });
}

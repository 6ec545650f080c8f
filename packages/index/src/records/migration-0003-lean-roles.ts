import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Roles by what identifies them; their bytes only while nobody else keeps them. */
export async function leanRoles(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await makePrepared(db, types);
  await makeOfflineRoles(db, types);
  const { integer } = types;

  // Of published roles the object store has the bytes. A retired one left the bin tree when its parent became a leaf again:
  // the flat snapshot goes on listing it (TUF 1.0.34 §5.5.5), and a later split goes on from its version.
  await db.schema
    .alterTable('roles')
    .addColumn('length', integer, (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('roles')
    .addColumn('retired', integer, (c) => c.notNull().defaultTo(0))
    .execute();
  await sql`update roles set length = octet_length(bytes)`.execute(db);
  await db.schema.alterTable('roles').dropColumn('bytes').execute();
  await db.schema.dropIndex('roles_expires_at').execute();
  await sql`create index roles_expires_at on roles (expires_at) where retired = 0`.execute(db);

  // The newest publication whose roles are all in the flat snapshot that this one's timestamp names.
  await db.schema
    .alterTable('publications')
    .addColumn('lists', integer, (c) => c.notNull().defaultTo(0))
    .execute();
  await sql`update publications set lists = id`.execute(db);

  // An index of its own: what waits is little, and stands at the end of everything that ever was published.
  await sql`create index changes_waiting on changes (id) where publication is null`.execute(db);
}

type Columns = (table: CreateTableBuilder<string>) => CreateTableBuilder<string, string>;

async function makePrepared(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, tableSuffix } = types;
  const columns: Columns = (t) =>
    t
      .addColumn('role', text, (c) => c.primaryKey().notNull())
      .addColumn('version', integer, (c) => c.notNull())
      .addColumn('expires_at', integer, (c) => c.notNull())
      .addColumn('publication', integer, (c) => c.notNull())
      .addColumn('sha256', text, (c) => c.notNull())
      .addColumn('length', integer, (c) => c.notNull())
      .addColumn('retired', integer, (c) => c.notNull())
      // Null where the object store has them already.
      .addColumn('bytes', bytes);
  // What the publication that is not published yet makes of roles: with it an interrupted one is put again, bit by bit.
  await columns(db.schema.createTable('prepared')).modifyEnd(tableSuffix).execute();
  await sql`insert into prepared (role, version, expires_at, publication, sha256, length, retired, bytes)
    select role, version, expires_at, publication, sha256, octet_length(bytes), 0, bytes from roles
    where publication in (select id from publications where published_at is null)`.execute(db);
}

async function makeOfflineRoles(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, tableSuffix } = types;
  // What holders of offline keys signed besides root, published: the index cannot make it again.
  await db.schema
    .createTable('offline_roles')
    .addColumn('role', text, (c) => c.primaryKey().notNull())
    .addColumn('version', integer, (c) => c.notNull())
    .addColumn('bytes', bytes, (c) => c.notNull())
    .modifyEnd(tableSuffix)
    .execute();
  await sql`insert into offline_roles (role, version, bytes)
    select role, version, bytes from roles where role = 'targets'`.execute(db);
}

import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Migration, MigrationProvider } from 'kysely/migration';
import type { ColumnTypes } from './column-types.ts';
import { signingLease } from './migration-0005-signing.ts';
import { createFeedTable } from '../feed/feed-table.ts';
import { importSchema } from './import-schema.ts';
import { leanRoles } from './migration-0003-lean-roles.ts';
import { claims } from './migration-0008-claims.ts';
import { standingKeys } from './migration-0010-standing-keys.ts';
import { createOfflineTables } from '../offline/offline-tables.ts';

/** All steps that the schema has taken, oldest first. A step that was released is never edited. */
export function migrations(types: ColumnTypes): MigrationProvider {
  const steps: Record<string, Migration> = {
    '0001-first-schema': { up: (db: Kysely<unknown>) => firstSchema(db, types) },
    '0002-replaced-roles': { up: (db: Kysely<unknown>) => replacedRoles(db, types) },
    '0004-import': { up: (db: Kysely<unknown>) => importSchema(db, types) },
    '0005-signing': { up: (db: Kysely<unknown>) => signingLease(db, types) },
    '0006-feed': { up: (db: Kysely<unknown>) => createFeedTable(db, types) },
    '0003-lean-roles': { up: (db: Kysely<unknown>) => leanRoles(db, types) },
    '0007-dictionaries': { up: (db: Kysely<unknown>) => dictionaries(db, types) },
    '0008-claims': { up: (db: Kysely<unknown>) => claims(db, types) },
    '0009-offline-imports': { up: (db: Kysely<unknown>) => createOfflineTables(db, types) },
    '0010-standing-keys': { up: (db: Kysely<unknown>) => standingKeys(db, types) },
  };
  return { getMigrations: async () => steps };
}

async function firstSchema(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, counter, tableSuffix } = types;
  const create = async (
    name: string,
    columns: (table: CreateTableBuilder<string>) => CreateTableBuilder<string, string>,
  ): Promise<void> => {
    await columns(db.schema.createTable(name)).modifyEnd(tableSuffix).execute();
  };

  // Who may publish.
  await create('accounts', (t) =>
    t.addColumn('name', text, (c) => c.primaryKey().notNull()).addColumn('created_at', integer, (c) => c.notNull()),
  );
  await create('projects', (t) =>
    t
      .addColumn('name', text, (c) => c.primaryKey().notNull())
      .addColumn('display_name', text, (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', text, (c) => c.notNull().references('accounts.name'))
      .addColumn('bytes', integer, (c) => c.notNull()),
  );
  await create('members', (t) =>
    t
      .addColumn('project', text, (c) => c.notNull().references('projects.name'))
      .addColumn('account', text, (c) => c.notNull().references('accounts.name'))
      .addColumn('added_at', integer, (c) => c.notNull())
      .addPrimaryKeyConstraint('members_primary', ['project', 'account']),
  );
  // `project` refers to nothing: a token may be made before the project's first upload, by a member of it to be.
  await create('tokens', (t) =>
    t
      .addColumn('id', text, (c) => c.primaryKey().notNull())
      .addColumn('account', text, (c) => c.notNull().references('accounts.name'))
      .addColumn('project', text)
      .addColumn('label', text, (c) => c.notNull())
      .addColumn('sha256', text, (c) => c.notNull().unique())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('revoked_at', integer),
  );

  // What is published, was, or is about to be. A row is never removed: its name stays taken.
  await create('files', (t) =>
    t
      .addColumn('filename', text, (c) => c.primaryKey().notNull())
      .addColumn('project', text, (c) => c.notNull().references('projects.name'))
      .addColumn('bin', integer, (c) => c.notNull())
      .addColumn('version', text, (c) => c.notNull())
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('size', integer, (c) => c.notNull())
      .addColumn('sha256', text, (c) => c.notNull())
      .addColumn('metadata_sha256', text)
      .addColumn('metadata_size', integer)
      .addColumn('requires_python', text)
      .addColumn('yanked', text)
      .addColumn('uploaded_at', integer, (c) => c.notNull())
      .addColumn('account', text, (c) => c.notNull())
      .addColumn('state', text, (c) => c.notNull()),
  );
  await db.schema.createIndex('files_bin').on('files').column('bin').execute();
  await db.schema.createIndex('files_project').on('files').columns(['project', 'state']).execute();

  // The publish queue and the log of uploads in one (P10): a row waits while `publication` is null.
  await create('changes', (t) =>
    t
      .addColumn('id', counter)
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('filename', text, (c) => c.notNull().references('files.filename'))
      .addColumn('reason', text)
      .addColumn('account', text)
      .addColumn('recorded_at', integer, (c) => c.notNull())
      .addColumn('publication', integer),
  );
  await db.schema.createIndex('changes_publication').on('changes').column('publication').execute();
  await db.schema.createIndex('changes_filename').on('changes').column('filename').execute();

  // The log of snapshots (P10). One without `published_at` is prepared: signed, and being put into the object store.
  await create('publications', (t) =>
    t
      .addColumn('id', integer, (c) => c.primaryKey().notNull())
      .addColumn('snapshot', integer, (c) => c.notNull())
      .addColumn('prepared_at', integer, (c) => c.notNull())
      .addColumn('published_at', integer),
  );
  await db.schema.createIndex('publications_published_at').on('publications').column('published_at').execute();

  // The newest signed bytes of every role. With them an interrupted or damaged publication is put again, bit by bit.
  await create('roles', (t) =>
    t
      .addColumn('role', text, (c) => c.primaryKey().notNull())
      .addColumn('version', integer, (c) => c.notNull())
      .addColumn('expires_at', integer, (c) => c.notNull())
      .addColumn('publication', integer, (c) => c.notNull())
      .addColumn('sha256', text, (c) => c.notNull())
      .addColumn('bytes', bytes, (c) => c.notNull()),
  );
  await db.schema.createIndex('roles_expires_at').on('roles').column('expires_at').execute();
  await db.schema.createIndex('roles_publication').on('roles').column('publication').execute();

  // Every version of the root, for ever: clients walk them one by one.
  await create('roots', (t) =>
    t
      .addColumn('version', integer, (c) => c.primaryKey().notNull())
      .addColumn('publication', integer, (c) => c.notNull())
      .addColumn('bytes', bytes, (c) => c.notNull()),
  );
}

/** Versions of roles that newer ones replaced, and whose objects are still there for readers in the middle of a refresh (P11). */
async function replacedRoles(db: Kysely<unknown>, { text, integer, tableSuffix }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('replaced')
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('version', integer, (c) => c.notNull())
    // The publication that brought the newer version.
    .addColumn('publication', integer, (c) => c.notNull())
    .addPrimaryKeyConstraint('replaced_primary', ['role', 'version'])
    .modifyEnd(tableSuffix)
    .execute();
  await db.schema.createIndex('replaced_publication').on('replaced').column('publication').execute();
}

/** A replaced version is what the next one is sent as a delta against, to those who hold it. */
async function dictionaries(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .alterTable('replaced')
    .addColumn('sha256', text, (c) => c.notNull().defaultTo(''))
    .execute();
}

import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';
import { IS_OURS } from './our-roles.ts';

type Columns = (table: CreateTableBuilder<string>) => CreateTableBuilder<string, string>;

/** Who answers for which project, what developers signed, and what the holders of offline keys are about to. */
export async function claims(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  // SQLite's migrations do not run in a transaction, and a table that is being copied must not be lost.
  if (types.altersInPlace) return await makeAll(db, types);
  await db.transaction().execute(async (transaction) => {
    const tables = await transaction.introspection.getTables();
    if (!tables.some(({ name }) => name === 'standings')) await makeAll(transaction, types);
  });
}

async function makeAll(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const create = async (name: string, columns: Columns): Promise<void> => {
    await columns(db.schema.createTable(name)).modifyEnd(types.tableSuffix).execute();
  };
  await makeStandings(db, create, types);
  await makeTransactions(db, create, types);
  await makeOffers(db, create, types);
  await indexRenewals(db);
  await (types.altersInPlace ? alterChanges(db, types) : copyChanges(db, types));
}

type Create = (name: string, columns: Columns) => Promise<void>;

async function makeStandings(
  db: Kysely<unknown>,
  create: Create,
  { text, integer, bytes, counter }: ColumnTypes,
): Promise<void> {
  // Keys that accounts sign with. `key` is canonical JSON; `vouched_by` the older key of the account that signed for it.
  await create('account_keys', (t) =>
    t
      .addColumn('account', text, (c) => c.notNull().references('accounts.name'))
      .addColumn('keyid', text, (c) => c.notNull())
      .addColumn('key', text, (c) => c.notNull())
      .addColumn('label', text, (c) => c.notNull())
      .addColumn('added_at', integer, (c) => c.notNull())
      .addColumn('vouched_by', text)
      .addColumn('removed_at', integer)
      .addPrimaryKeyConstraint('account_keys_primary', ['account', 'keyid']),
  );
  await create('standings', (t) => standingColumns(t, { text, integer }));
  await db.schema.createIndex('standings_bin').on('standings').column('bin').execute();
  // Claims that only the next offline signing can bring into force.
  await create('claims_waiting', (t) =>
    t
      .addColumn('project', text, (c) => c.primaryKey().notNull())
      .addColumn('keys', text, (c) => c.notNull())
      .addColumn('threshold', integer, (c) => c.notNull())
      .addColumn('account', text, (c) => c.notNull())
      .addColumn('recorded_at', integer, (c) => c.notNull())
      .addColumn('generation', integer, (c) => c.notNull()),
  );
  // What operators review before they sign.
  await create('evidence', (t) =>
    t
      .addColumn('id', counter)
      .addColumn('project', text, (c) => c.notNull())
      .addColumn('at', integer, (c) => c.notNull())
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('bytes', bytes, (c) => c.notNull()),
  );
  await db.schema.createIndex('evidence_project').on('evidence').column('project').execute();
}

/** A project without a row is unclaimed. `keys` is the canonical JSON of them by keyid; null for what the operators sign themselves. */
function standingColumns(
  table: CreateTableBuilder<string>,
  { text, integer }: Pick<ColumnTypes, 'text' | 'integer'>,
): CreateTableBuilder<string, string> {
  return table
    .addColumn('project', text, (c) => c.primaryKey().notNull())
    .addColumn('bin', integer, (c) => c.notNull())
    .addColumn('standing', text, (c) => c.notNull())
    .addColumn('role', text)
    .addColumn('keys', text)
    .addColumn('threshold', integer)
    .addColumn('rotations', integer, (c) => c.notNull())
    .addColumn('generation', integer, (c) => c.notNull())
    .addColumn('since', integer, (c) => c.notNull())
    .addColumn('account', text)
    .addColumn('revoked_at', integer);
}

async function makeTransactions(
  db: Kysely<unknown>,
  create: Create,
  { text, integer, bytes, counter }: ColumnTypes,
): Promise<void> {
  // What developers signed, as one. From `role` on: the project's standing after it, once all signatures are there.
  await create('transactions', (t) =>
    t
      .addColumn('id', counter)
      .addColumn('project', text, (c) => c.notNull())
      .addColumn('account', text, (c) => c.notNull())
      .addColumn('recorded_at', integer, (c) => c.notNull())
      .addColumn('claim', text)
      .addColumn('state', text, (c) => c.notNull())
      .addColumn('publication', integer)
      .addColumn('role', text)
      .addColumn('keys', text)
      .addColumn('threshold', integer)
      .addColumn('rotations', integer)
      .addColumn('generation', integer)
      .addColumn('revoked', integer),
  );
  await db.schema.createIndex('transactions_project').on('transactions').columns(['project', 'state']).execute();
  await db.schema.createIndex('transactions_publication').on('transactions').column('publication').execute();
  // What waits is little beside what was published.
  await sql`create index transactions_waiting on transactions (state, project) where state <> 'published'`.execute(db);
  await sql`create index files_staged on files (uploaded_at) where state = 'staged'`.execute(db);
  await sql`create index projects_empty on projects (created_at) where bytes = 0`.execute(db);
  // Roles and rotate files, byte for byte. A retired one has no bytes: the project's roles do not lead to it any more.
  await create('transaction_roles', (t) =>
    t
      .addColumn('transaction_id', integer, (c) => c.notNull().references('transactions.id'))
      .addColumn('role', text, (c) => c.notNull())
      .addColumn('version', integer, (c) => c.notNull())
      .addColumn('expires_at', integer, (c) => c.notNull())
      .addColumn('sha256', text, (c) => c.notNull())
      .addColumn('length', integer, (c) => c.notNull())
      .addColumn('bytes', bytes, (c) => c.notNull())
      .addColumn('retired', integer, (c) => c.notNull().defaultTo(0))
      .addPrimaryKeyConstraint('transaction_roles_primary', ['transaction_id', 'role']),
  );
}

/** What a mass publication brings that holders of offline keys signed: the roles, and the standings that follow from them. */
async function makeOffers(db: Kysely<unknown>, create: Create, { text, integer, bytes }: ColumnTypes): Promise<void> {
  await create('offered_roles', (t) =>
    t
      .addColumn('role', text, (c) => c.primaryKey().notNull())
      .addColumn('version', integer, (c) => c.notNull())
      .addColumn('expires_at', integer, (c) => c.notNull())
      .addColumn('sha256', text, (c) => c.notNull())
      .addColumn('length', integer, (c) => c.notNull())
      // Null for a role that leaves its tree.
      .addColumn('bytes', bytes),
  );
  // `standing` is also `unclaimed` here: the project loses its row.
  await create('offered_standings', (t) => standingColumns(t, { text, integer }));
  await db.schema.createIndex('offered_standings_bin').on('offered_standings').column('bin').execute();
}

/** Others sign roles as well, and may let them end. */
async function indexRenewals(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('roles_expires_at').execute();
  await sql`create index roles_expires_at on roles (expires_at) where retired = 0 and ${IS_OURS}`.execute(db);
}

/** The log has a row for a transaction, which is of no one file. */
async function alterChanges(db: Kysely<unknown>, { integer }: ColumnTypes): Promise<void> {
  await db.schema
    .alterTable('changes')
    .alterColumn('filename', (c) => c.dropNotNull())
    .execute();
  await db.schema
    .alterTable('changes')
    .addColumn('transaction_id', integer, (c) => c.references('transactions.id'))
    .execute();
  await db.schema
    .alterTable('changes')
    .addColumn('offered', integer, (c) => c.notNull().defaultTo(0))
    .execute();
  await indexTransactionChanges(db);
}

/** SQLite cannot take `not null` from a column. Numbers go on: they are copied. */
async function copyChanges(db: Kysely<unknown>, { text, integer, counter, tableSuffix }: ColumnTypes): Promise<void> {
  const columns: Columns = (t) =>
    t
      .addColumn('id', counter)
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('filename', text, (c) => c.references('files.filename'))
      .addColumn('reason', text)
      .addColumn('account', text)
      .addColumn('recorded_at', integer, (c) => c.notNull())
      .addColumn('publication', integer)
      .addColumn('transaction_id', integer, (c) => c.references('transactions.id'))
      .addColumn('offered', integer, (c) => c.notNull().defaultTo(0));
  await columns(db.schema.createTable('changes_copy')).modifyEnd(tableSuffix).execute();
  await sql`insert into changes_copy (id, kind, filename, reason, account, recorded_at, publication)
    select id, kind, filename, reason, account, recorded_at, publication from changes order by id`.execute(db);
  await db.schema.dropTable('changes').execute();
  await sql`alter table changes_copy rename to changes`.execute(db);
  await db.schema.createIndex('changes_publication').on('changes').column('publication').execute();
  await db.schema.createIndex('changes_filename').on('changes').column('filename').execute();
  await sql`create index changes_waiting on changes (id) where publication is null`.execute(db);
  await indexTransactionChanges(db);
}

async function indexTransactionChanges(db: Kysely<unknown>): Promise<void> {
  await sql`create index changes_transaction on changes (transaction_id) where transaction_id is not null`.execute(db);
}

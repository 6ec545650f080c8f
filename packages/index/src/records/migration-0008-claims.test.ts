import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { sqliteTypes } from './column-types.ts';
import { migrations } from './migrations.ts';
import type { Database } from './schema.ts';
import { SqliteRunnerDialect } from './sqlite-dialect.ts';
import { SqliteRecords } from './sqlite-records.ts';
import { Writer } from './writer.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-claims-'));
after(() => rm(directory, { recursive: true }));

test('the log of an older index keeps its rows and goes on counting when it learns of transactions', async () => {
  const path = join(directory, 'older.db');
  await makeOlder(path);
  const records = await SqliteRecords.open(path);
  const row = { kind: 'transaction', recorded_at: 9, transaction_id: null } as const;
  const { id } = await records.write((db) =>
    db.insertInto('changes').values(row).returning('id').executeTakeFirstOrThrow(),
  );
  assert.equal(id, 43);
  const kept = await records.read.selectFrom('changes').selectAll().orderBy('id').executeTakeFirstOrThrow();
  assert.deepEqual(
    { ...kept },
    {
      id: 42,
      kind: 'add',
      filename: 'demo-1.0.tar.gz',
      reason: null,
      account: 'ada',
      recorded_at: 7,
      publication: 3,
      transaction_id: null,
      offered: 0,
    },
  );
  const { rows } = await sql<{ name: string }>`select name from sqlite_master
    where type = 'index' and tbl_name = 'changes' order by name`.execute(records.read);
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['changes_filename', 'changes_publication', 'changes_transaction', 'changes_waiting'],
  );
  await assert.rejects(
    records.write((db) =>
      db
        .insertInto('changes')
        .values({ ...row, transaction_id: 5 })
        .execute(),
    ),
    'a change belongs to a transaction that there is',
  );
  await records.close();
});

async function makeOlder(path: string): Promise<void> {
  const db = new Kysely<Database>({ dialect: new SqliteRunnerDialect(new Writer(path)) });
  await new Migrator({ db, provider: migrations(sqliteTypes) }).migrateTo('0007-dictionaries');
  await sql`insert into accounts values ('ada', 1)`.execute(db);
  await sql`insert into projects values ('demo', 'Demo', 1, 'ada', 5)`.execute(db);
  await sql`insert into files (filename, project, bin, version, kind, size, sha256, uploaded_at, account, state)
    values ('demo-1.0.tar.gz', 'demo', 1, '1.0', 'sdist', 5, '00', 7, 'ada', 'published')`.execute(db);
  await sql`insert into changes (id, kind, filename, account, recorded_at, publication)
    values (42, 'add', 'demo-1.0.tar.gz', 'ada', 7, 3)`.execute(db);
  await db.destroy();
}

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { projectsOf } from '../transactions/projects-of.ts';
import { sqliteTypes } from './column-types.ts';
import { migrations } from './migrations.ts';
import type { Database } from './schema.ts';
import { SqliteRunnerDialect } from './sqlite-dialect.ts';
import { SqliteRecords } from './sqlite-records.ts';
import { Writer } from './writer.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-standing-keys-'));
after(() => rm(directory, { recursive: true }));

test('an older index that learns which key signs for which project knows it of all that it has', async () => {
  const path = join(directory, 'older.db');
  const db = new Kysely<Database>({ dialect: new SqliteRunnerDialect(new Writer(path)) });
  const migrator = new Migrator({ db, provider: migrations(sqliteTypes) });
  await migrator.migrateTo('0009-offline-imports');
  await sql`insert into accounts values ('ada', 1), ('bob', 1)`.execute(db);
  await sql`insert into account_keys values ('ada', 'aa', '{}', 'x', 1, null, null), ('ada', 'bb', '{}', 'x', 1, null, 2),
    ('bob', 'cc', '{}', 'x', 1, null, null)`.execute(db);
  await sql`insert into standings (project, bin, standing, role, keys, threshold, rotations, generation, since)
    values ('mine', 1, 'claimed', 'project.mine', '{"aa":{},"cc":{}}', 1, 0, 1, 1),
    ('former', 1, 'claimed', 'project.former', '{"bb":{}}', 1, 0, 1, 1),
    ('quiet', 1, 'rarely-updated', null, null, null, 0, 1, 1)`.execute(db);
  await db.destroy();

  const records = await SqliteRecords.open(path);
  assert.deepEqual(await projectsOf(records.read, 'ada'), ['mine'], 'a key that was removed counts no more');
  assert.deepEqual(await projectsOf(records.read, 'bob'), ['mine']);
  await records.close();
});

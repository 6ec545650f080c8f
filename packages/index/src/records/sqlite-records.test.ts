import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { recordsContract } from '../../test/support/records-contract.ts';
import { DamagedIndexError, RecordsError, UnsafeSqliteError } from '../errors.ts';
import { assertSafeVersion } from './sqlite-file.ts';
import { checkSqliteFile, SqliteRecords } from './sqlite-records.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-records-'));
after(() => rm(directory, { recursive: true }));

recordsContract('SQLite', (name) => SqliteRecords.open(join(directory, `contract-${name}.db`)));

test('only the owner of the files can read them', async () => {
  const path = join(directory, 'private.db');
  const records = await SqliteRecords.open(path);
  await records.write((tx) => tx.insertInto('accounts').values({ name: 'ada', created_at: 1 }).execute());
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(`${path}-wal`)).mode & 0o777, 0o600);
  await records.close();
});

test('no statement can attach another database or change the schema by hand', async () => {
  const records = await SqliteRecords.open(join(directory, 'guarded.db'));
  const other = join(directory, 'other.db');
  await assert.rejects(sql`attach database ${other} as other`.execute(records.read), RecordsError);
  await assert.rejects(
    records.write((tx) => sql`attach database ${other} as other`.execute(tx)),
    RecordsError,
  );
  await assert.rejects(
    records.write((tx) => sql`update sqlite_schema set sql = '' where name = 'files'`.execute(tx)),
    RecordsError,
  );
  await records.close();
});

test('a file that is no database is refused as damaged', async () => {
  const path = join(directory, 'noise.db');
  await writeFile(path, 'not a database, but long enough to look at: '.repeat(100));
  await assert.rejects(SqliteRecords.open(path), DamagedIndexError);
});

test('damage in the middle of a file is found by the check of all of it', async () => {
  const path = join(directory, 'torn.db');
  const records = await SqliteRecords.open(path);
  const names = Array.from({ length: 5_000 }, (_, i) => ({ name: `account-${i}`, created_at: i }));
  await records.write((tx) => tx.insertInto('accounts').values(names).execute());
  await records.close();
  checkSqliteFile(path);
  const database = new DatabaseSync(path);
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
  const bytes = await readFile(path);
  bytes.fill(0xff, bytes.length - 12_288, bytes.length - 4_096);
  await writeFile(path, bytes);
  assert.throws(() => checkSqliteFile(path), DamagedIndexError);
});

test('refuses a SQLite with the write-ahead log bug, and takes later ones', () => {
  for (const version of ['3.40.1', '3.51.2', '2.99.99', 'unknown']) {
    assert.throws(() => assertSafeVersion(version), UnsafeSqliteError, version);
  }
  for (const version of ['3.51.3', '3.53.4', '4.0.0']) assertSafeVersion(version);
});

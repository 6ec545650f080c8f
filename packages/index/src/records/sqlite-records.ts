import { stat } from 'node:fs/promises';
import { Kysely, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { DamagedIndexError, IndexClosedError, type IndexError, RecordsError } from '../errors.ts';
import type { Watch } from '../watch.ts';
import { sqliteTypes } from './column-types.ts';
import { migrations } from './migrations.ts';
import type { Records } from './records.ts';
import type { Database } from './schema.ts';
import { SqliteRunnerDialect, type StatementRunner } from './sqlite-dialect.ts';
import { recordsError, sqliteFailure } from './sqlite-error.ts';
import { openSqliteFile } from './sqlite-file.ts';
import { Statements } from './statements.ts';
import { Writer } from './writer.ts';

/** A file of this many bytes is looked at within a second or so. */
const CHECKED_AT_START = 128 * 2 ** 20;

/**
 * Reads all of a file of records, also while a process uses it.
 * @throws DamagedIndexError when SQLite finds it inconsistent
 */
export function checkSqliteFile(path: string): void {
  const reader = new Reader(path);
  try {
    reader.check();
  } finally {
    reader.close();
  }
}

/** Records in one SQLite file: writes in a worker thread, reads in the thread that asks. */
export class SqliteRecords implements Records {
  readonly read: Kysely<Database>;
  readonly #writer: Kysely<Database>;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  private constructor(read: Kysely<Database>, writer: Kysely<Database>) {
    this.read = read;
    this.#writer = writer;
  }

  /**
   * Opens the file, making it when it is not there, and brings its schema up to date.
   * @throws DamagedIndexError when the file is no database, or SQLite finds it inconsistent
   */
  static async open(path: string, watch?: Watch): Promise<SqliteRecords> {
    const writer = new Kysely<Database>({ dialect: new SqliteRunnerDialect(new Writer(path), watch) });
    try {
      const { error } = await new Migrator({ db: writer, provider: migrations(sqliteTypes) }).migrateToLatest();
      if (error !== undefined) throw error;
      const reader = new Reader(path);
      const records = new SqliteRecords(new Kysely({ dialect: new SqliteRunnerDialect(reader, watch) }), writer);
      // A start takes seconds, whatever the size; `holdfast check` looks at all of a large file.
      if ((await stat(path)).size <= CHECKED_AT_START) reader.check();
      return records;
    } catch (error) {
      await writer.destroy().catch(() => undefined); // The first failure is the one that tells.
      throw error instanceof RecordsError ? unreadable(error) : error;
    }
  }

  async write<T>(work: (transaction: Transaction<Database>) => Promise<T>): Promise<T> {
    if (this.#closed) throw new IndexClosedError();
    const running = this.#writer.transaction().execute(work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Lets the transactions that have begun end. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    await this.read.destroy();
    await this.#writer.destroy();
  }
}

/** The reading connection, in this thread: a point read costs less than a message to another thread. */
class Reader implements StatementRunner {
  readonly #database: ReturnType<typeof openSqliteFile>;
  readonly #statements: Statements;

  constructor(path: string) {
    this.#database = openSqliteFile(path, 'read');
    this.#statements = new Statements(this.#database);
  }

  run(sql: string, parameters: readonly unknown[]): ReturnType<Statements['run']> {
    try {
      return this.#statements.run(sql, parameters);
    } catch (error) {
      throw recordsError(sqliteFailure(error), error);
    }
  }

  /** Looks for damage that SQLite can see: torn pages, rows that miss in an index. */
  check(): void {
    const [finding] = this.run('pragma quick_check(1)', []).rows;
    if (finding?.['quick_check'] !== 'ok') throw new DamagedIndexError('records', String(finding?.['quick_check']));
  }

  close(): void {
    this.#database.close();
  }
}

/** Our own statements are right: what SQLite does not understand at opening is the file, such as a format of no version. */
function unreadable(error: RecordsError): IndexError {
  if (error.errcode !== SQLITE_ERROR) return error;
  return new DamagedIndexError('records', error.message, { cause: error });
}

const SQLITE_ERROR = 1;

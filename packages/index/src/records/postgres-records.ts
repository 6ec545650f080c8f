import { randomBytes } from 'node:crypto';
import { Kysely, sql, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { ClientBase, Pool } from 'pg';
import { IndexClosedError, RecordsRetiredError, UnsafePostgresError } from '../errors.ts';
import type { Watch } from '../watch.ts';
import { postgresTypes } from './column-types.ts';
import { Lease } from './lease.ts';
import { migrations } from './migrations.ts';
import { makePool, PostgresPoolDialect, PostgresReadDialect } from './postgres-dialect.ts';
import { assertPostgresLocation } from './postgres-location.ts';
import { CHANNEL, PostgresPulse } from './postgres-pulse.ts';
import type { Records, Shared } from './records.ts';
import type { Database } from './schema.ts';

const READERS = 8;
const READ_ONLY = 'set default_transaction_read_only = on';
const OLDEST_VERSION = 140_000;

/** An advisory lock (postgresql.org/docs/current/explicit-locking.html) of the database: these two numbers. */
const LOCKS = 0x686f6c64;
/** Held by every writing transaction: like SQLite, an index has one writer at a time, in however many processes. */
const WRITING = 1;

export interface PostgresOptions {
  /** `postgres://USER@HOST:PORT/DATABASE`. The database belongs to the index alone. */
  readonly location: string;
  readonly watch?: Watch | undefined;
}

/** Records in a PostgreSQL database, which any number of processes share. */
export class PostgresRecords implements Records {
  readonly read: Kysely<Database>;
  readonly shared: Shared;
  readonly #writer: Kysely<Database>;
  readonly #pulse: Kysely<Database>;
  /** What this process calls itself. */
  readonly #self: string;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(readers: Pool, writer: Pool, pulse: PostgresPulse, self: string, watch: Watch | undefined) {
    this.read = new Kysely({ dialect: new PostgresReadDialect({ pool: readers }, watch) });
    this.#writer = new Kysely({ dialect: new PostgresPoolDialect({ pool: writer }, watch) });
    this.#pulse = new Kysely({ dialect: new PostgresPoolDialect({ pool: pulse.pool }) });
    this.#self = self;
    const write: Records['write'] = (work) => this.write(work);
    this.shared = {
      lease: new Lease({ read: this.read, write, pulse: this.#pulse }),
      snapshot: (work) => this.#snapshot(work),
      onNews: (listener) => pulse.onNews(listener),
    };
  }

  /**
   * Connects, and brings the schema up to date.
   * @throws UnsafePostgresError when the server may lose what it called durable
   * @throws RecordsError when it cannot be reached
   */
  static async open({ location, watch }: PostgresOptions): Promise<PostgresRecords> {
    assertPostgresLocation(location);
    const self = randomBytes(8).toString('hex');
    const readers = await makePool(location, READERS, (client) => client.query(READ_ONLY));
    const writer = await makePool(location, 1, assertDurable);
    const records = new PostgresRecords(readers, writer, await PostgresPulse.open(location, self), self, watch);
    try {
      const migrator = new Migrator({ db: records.#writer, provider: migrations(postgresTypes) });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined) throw error;
      await sql`select`.execute(records.read);
    } catch (error) {
      await records.close();
      throw error;
    }
    return records;
  }

  write<T>(work: (transaction: Transaction<Database>) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new IndexClosedError());
    // Not left to the pool: a transaction that waits long for its turn there would be refused.
    const result = this.#last.then(() => this.#transaction(work));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Lets the transactions that have begun, or wait, end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    await this.read.destroy();
    await this.#writer.destroy();
    await this.#pulse.destroy();
  }

  #snapshot<T>(work: (read: Kysely<Database>) => Promise<T>): Promise<T> {
    return this.#writer
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (transaction) => {
        // It keeps nobody waiting, and who reads it may do something else for a while.
        await sql`set local idle_in_transaction_session_timeout = 0`.execute(transaction);
        return work(transaction);
      });
  }

  /** Read committed: every statement sees what was committed before it began, and the lock comes before all others. */
  #transaction<T>(work: (transaction: Transaction<Database>) => Promise<T>): Promise<T> {
    return this.#writer
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (transaction) => {
        // The notification is sent when the transaction is committed.
        const { rows } = await sql<{
          terms: number;
        }>`select pg_advisory_xact_lock(${sql.lit(LOCKS)}, ${sql.lit(WRITING)}),
          pg_notify(${sql.lit(CHANNEL)}, ${sql.lit(this.#self)}),
          (select count(*)::int from signing) as terms`.execute(transaction);
        if (rows[0]?.terms === 0) throw new RecordsRetiredError();
        return work(transaction);
      });
  }
}

interface ServerSettings {
  readonly version: number;
  readonly encoding: string;
  readonly fsync: string;
  readonly commit: string;
}

/** @throws UnsafePostgresError */
async function assertDurable(client: ClientBase): Promise<void> {
  const { rows } = await client.query<ServerSettings>(`select
    current_setting('server_version_num')::int as version,
    current_setting('server_encoding') as encoding,
    current_setting('fsync') as fsync,
    current_setting('synchronous_commit') as commit`);
  const [server] = rows;
  if (!server) throw new UnsafePostgresError('it does not tell its settings');
  if (server.version < OLDEST_VERSION) throw new UnsafePostgresError('PostgreSQL 14 is the oldest that will do');
  if (server.encoding !== 'UTF8') throw new UnsafePostgresError(`its encoding is ${server.encoding}, not UTF8`);
  if (server.fsync !== 'on') throw new UnsafePostgresError('its fsync is off');
  if (server.commit === 'off') throw new UnsafePostgresError('its synchronous_commit is off');
}

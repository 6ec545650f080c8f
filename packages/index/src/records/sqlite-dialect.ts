import {
  CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Watch } from '../watch.ts';
import { GuardedDriver } from './guarded-driver.ts';
import type { StatementResult } from './statements.ts';

/** Whatever runs a statement: a connection in this thread, or one in another. */
export interface StatementRunner {
  run(sql: string, parameters: readonly unknown[]): StatementResult | Promise<StatementResult>;
  close(): void | Promise<void>;
}

/** SQLite for kysely, over one connection. Kysely makes queries and transactions wait for each other. */
export class SqliteRunnerDialect implements Dialect {
  readonly #runner: StatementRunner;
  readonly #watch: Watch | undefined;

  constructor(runner: StatementRunner, watch?: Watch) {
    this.#runner = runner;
    this.#watch = watch;
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter();
  }

  createDriver(): Driver {
    return new GuardedDriver(new RunnerDriver(this.#runner), this.#watch);
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }
}

class RunnerDriver implements Driver {
  readonly #runner: StatementRunner;
  readonly #connection: DatabaseConnection;

  constructor(runner: StatementRunner) {
    this.#runner = runner;
    this.#connection = {
      executeQuery: async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
        const { rows, changes } = await runner.run(query.sql, query.parameters);
        return { rows: rows as R[], numAffectedRows: BigInt(changes) };
      },
      // Kysely's interface wants it; nothing here reads a result in pieces.
      // oxlint-disable-next-line require-yield
      streamQuery: async function* () {
        throw new TypeError('these records are not streamed');
      },
    };
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {}

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // Immediate: a transaction that begins as a reader cannot wait for the lock when it first writes.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async destroy(): Promise<void> {
    await this.#runner.close();
  }
}

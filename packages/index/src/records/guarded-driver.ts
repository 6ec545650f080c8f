import { unwatched, type Watch } from '../watch.ts';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';

/**
 * Makes a driver keep what a transaction promises also when statements are sent without waiting for each other: while the
 * transaction ends, those that still wait are refused. Kysely alone lets one slip behind the `rollback`, where it is kept. And says errors in the words of the index.
 */
export class GuardedDriver implements Driver {
  readonly #inner: Driver;
  readonly #explain: (error: unknown) => unknown;
  readonly #watch: Watch;

  constructor(inner: Driver, watch: Watch = unwatched, explain: (error: unknown) => unknown = (error) => error) {
    this.#inner = inner;
    this.#watch = watch;
    this.#explain = explain;
  }

  init(): Promise<void> {
    return this.#inner.init();
  }

  async acquireConnection(): Promise<GuardedConnection> {
    const connection = await this.#explained(this.#inner.acquireConnection());
    return new GuardedConnection(connection, this.#explain, this.#watch);
  }

  beginTransaction(connection: GuardedConnection, settings: TransactionSettings): Promise<void> {
    return this.#explained(this.#inner.beginTransaction(connection.inner, settings));
  }

  async commitTransaction(connection: GuardedConnection): Promise<void> {
    await connection.end(() =>
      this.#watch({ part: 'records', operation: 'commit' }, () =>
        this.#explained(this.#inner.commitTransaction(connection.inner)),
      ),
    );
  }

  async rollbackTransaction(connection: GuardedConnection): Promise<void> {
    await connection.end(() => this.#explained(this.#inner.rollbackTransaction(connection.inner)));
  }

  releaseConnection(connection: GuardedConnection): Promise<void> {
    return this.#inner.releaseConnection(connection.inner);
  }

  destroy(): Promise<void> {
    return this.#inner.destroy();
  }

  async #explained<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#explain(error);
    }
  }
}

/** A connection as one user has it: for one statement, or for one transaction. */
class GuardedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #explain: (error: unknown) => unknown;
  #running: Promise<unknown> = Promise.resolve();
  readonly #watch: Watch;
  #ending = false;

  constructor(inner: DatabaseConnection, explain: (error: unknown) => unknown, watch: Watch) {
    this.#watch = watch;
    this.inner = inner;
    this.#explain = explain;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#ending) throw new TypeError('the transaction that this statement belongs to is ending');
    const result = this.#watch({ part: 'records', operation: verbOf(query.sql) }, () =>
      this.inner.executeQuery<R>(query),
    );
    this.#running = result.catch(() => undefined);
    try {
      return await result;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  // Kysely's interface wants it; nothing here reads a result in pieces.
  // oxlint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new TypeError('these records are not streamed');
  }

  /** Ends the transaction when the statement that runs is done; takes no other one meanwhile. Kysely takes none after it. */
  async end(work: () => Promise<void>): Promise<void> {
    this.#ending = true;
    await this.#running;
    try {
      await work();
    } finally {
      this.#ending = false;
    }
  }
}

const VERBS: ReadonlySet<string> = new Set(['select', 'insert', 'update', 'delete']);

function verbOf(sql: string): string {
  const verb = sql.slice(0, sql.indexOf(' ')).toLowerCase();
  return VERBS.has(verb) ? verb : 'other';
}

import { setTimeout as wait } from 'node:timers/promises';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';

/** A question that meets a broken connection is asked this often in all. */
const ATTEMPTS = 4;
/** Milliseconds before the second attempt; three times as many before each further one. */
const FIRST_DELAY_MS = 100;

/** For connections that only read, outside transactions: what a broken connection did not answer is asked again on another. */
export class RetryingDriver implements Driver {
  readonly #inner: Driver;
  readonly #isBroken: (error: unknown) => boolean;

  constructor(inner: Driver, isBroken: (error: unknown) => boolean) {
    this.#inner = inner;
    this.#isBroken = isBroken;
  }

  init(): Promise<void> {
    return this.#inner.init();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return {
      executeQuery: <R>(query: CompiledQuery) => this.#ask<R>(query),
      // Kysely's interface wants it; nothing here reads a result in pieces.
      // oxlint-disable-next-line require-yield
      async *streamQuery() {
        throw new TypeError('these records are not streamed');
      },
    };
  }

  async releaseConnection(): Promise<void> {}

  beginTransaction(): Promise<void> {
    return Promise.reject(new TypeError('transactions write'));
  }

  commitTransaction(): Promise<void> {
    return this.beginTransaction();
  }

  rollbackTransaction(): Promise<void> {
    return this.beginTransaction();
  }

  destroy(): Promise<void> {
    return this.#inner.destroy();
  }

  async #ask<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once<R>(query);
      } catch (error) {
        if (attempt === ATTEMPTS || !this.#isBroken(error)) throw error;
      }
      await wait(FIRST_DELAY_MS * 3 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }

  async #once<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const connection = await this.#inner.acquireConnection();
    try {
      return await connection.executeQuery<R>(query);
    } finally {
      await this.#inner.releaseConnection(connection);
    }
  }
}

import { Worker } from 'node:worker_threads';
import { IndexClosedError } from '../errors.ts';
import { recordsError, sqliteFailure, type SqliteFailure } from './sqlite-error.ts';
import type { StatementRunner } from './sqlite-dialect.ts';
import type { StatementResult } from './statements.ts';

/** To the thread: a statement, or, without `sql`, the wish to end. */
export interface WriterRequest {
  readonly id: number;
  readonly sql: string | undefined;
  readonly parameters: readonly unknown[];
}

export type WriterReply =
  | { readonly id: number; readonly result: StatementResult }
  | { readonly id: number; readonly failure: SqliteFailure };

/** Sources run as they are; what is published was compiled. The name of the file says which of the two this is. */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js', import.meta.url);

/** The writing connection, in a thread of its own. */
export class Writer implements StatementRunner {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<StatementResult>>();
  readonly #ended: Promise<void>;
  #nextId = 0;
  #gone: Error | undefined;

  constructor(path: string) {
    this.#worker = new Worker(THREAD, { workerData: { path } });
    this.#worker.on('message', (reply: WriterReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(recordsError(sqliteFailure(error), error)));
    this.#ended = new Promise((resolve) =>
      this.#worker.once('exit', () => resolve(this.#fail(new IndexClosedError()))),
    );
  }

  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return this.#ask(sql, parameters);
  }

  /** Finishes what was asked before, then ends the thread. */
  async close(): Promise<void> {
    if (!this.#gone) await this.#ask(undefined, []);
    await this.#ended;
  }

  #ask(sql: string | undefined, parameters: readonly unknown[]): Promise<StatementResult> {
    if (this.#gone) return Promise.reject(this.#gone);
    const waiter = Promise.withResolvers<StatementResult>();
    const id = this.#nextId++;
    this.#waiting.set(id, waiter);
    this.#worker.postMessage({ id, sql, parameters } satisfies WriterRequest);
    return waiter.promise;
  }

  #settle(reply: WriterReply): void {
    const waiter = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('result' in reply) waiter?.resolve(reply.result);
    else waiter?.reject(recordsError(reply.failure));
  }

  #fail(error: Error): void {
    this.#gone ??= error;
    for (const waiter of this.#waiting.values()) waiter.reject(this.#gone);
    this.#waiting.clear();
  }
}

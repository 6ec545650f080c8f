import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

export type Row = Record<string, unknown>;

export interface StatementResult {
  readonly rows: Row[];
  readonly changes: number;
}

/** Multi-row inserts have a text of their own for each number of rows; this many texts are worth keeping. */
const PREPARED_STATEMENTS = 400;

/** Runs SQL on one connection, keeping the most recently used statements prepared. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, { statement: StatementSync; returnsRows: boolean }>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  run(sql: string, parameters: readonly unknown[]): StatementResult {
    // After a full disk SQLite may have rolled back by itself; to roll back again is then no error.
    if (sql === 'rollback' && !this.#database.isTransaction) return { rows: [], changes: 0 };
    const { statement, returnsRows } = this.#prepare(sql);
    const values = parameters as readonly SQLInputValue[];
    if (returnsRows) return { rows: statement.all(...values), changes: 0 };
    return { rows: [], changes: Number(statement.run(...values).changes) };
  }

  #prepare(sql: string): { statement: StatementSync; returnsRows: boolean } {
    const known = this.#prepared.get(sql);
    if (known) {
      this.#prepared.delete(sql);
      this.#prepared.set(sql, known);
      return known;
    }
    const statement = this.#database.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    this.#prepared.set(sql, prepared);
    for (const oldest of this.#prepared.keys()) {
      if (this.#prepared.size <= PREPARED_STATEMENTS) break;
      this.#prepared.delete(oldest);
    }
    return prepared;
  }
}

import type { Kysely, Transaction } from 'kysely';
import type { Database } from './schema.ts';

/**
 * Where everything but bytes is kept. One schema and one set of queries serve every database behind it; only
 * `column-types.ts` knows their differences.
 */
export interface Records {
  /** For queries outside a transaction. It sees what was committed before the query began. */
  readonly read: Kysely<Database>;
  /**
   * Runs a transaction; durable when it resolves. Transactions of one process run one after another. Throws
   * `StorageFullError`, `DamagedIndexError`, `RecordsError`, or what `work` throws, after rolling back.
   */
  write<T>(work: (transaction: Transaction<Database>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

import type { Kysely, Transaction } from 'kysely';
import type { Lease } from './lease.ts';
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
  /** Of records that several processes write; undefined where this one is alone. */
  readonly shared?: Shared;
  close(): Promise<void>;
}

export interface Shared {
  readonly lease: Lease;
  /** Everything that `work` reads is as it was at one moment. Nobody who writes waits for it. */
  snapshot<T>(work: (read: Kysely<Database>) => Promise<T>): Promise<T>;
  /** Calls when another process may have written something, or when that could not be heard for a while. */
  onNews(listener: () => void): void;
}

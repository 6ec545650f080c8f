import type { ClientBase, Pool } from 'pg';
import { makePool } from './postgres-dialect.ts';
import type { Patience } from './postgres-location.ts';

/** The channel that every writing transaction tells of itself on (postgresql.org/docs/current/sql-notify.html). */
export const CHANNEL = 'holdfast';
/** Shorter than a stand-by waits: a server that does not answer is left soon, and asked anew. */
const PATIENCE: Patience = { connect: 2_000, statement: 1_500, silence: 1_500 };

/** One connection that waits for nobody's transaction: to show that a signer lives, and to hear what other processes wrote. */
export class PostgresPulse {
  readonly pool: Pool;
  readonly #listeners: Set<() => void>;

  private constructor(pool: Pool, listeners: Set<() => void>) {
    this.pool = pool;
    this.#listeners = listeners;
  }

  /** `self` is what this process calls itself in its own notifications: they are no news. */
  static async open(location: string, self: string): Promise<PostgresPulse> {
    const listeners = new Set<() => void>();
    const tell = (): void => {
      for (const listener of listeners) listener();
    };
    const pool = await makePool(
      location,
      1,
      async (client: ClientBase) => {
        client.on('notification', ({ payload }) => void (payload !== self && tell()));
        await client.query(`listen ${CHANNEL}`);
        tell(); // What was said before nobody heard.
      },
      PATIENCE,
    );
    return new PostgresPulse(pool, listeners);
  }

  onNews(listener: () => void): void {
    this.#listeners.add(listener);
  }
}

import type { Kysely, Transaction } from 'kysely';
import { RecordsRetiredError, SignerLostError } from '../errors.ts';
import type { Records } from './records.ts';
import type { Database } from './schema.ts';

/** Who signs, as the records say. */
export interface Tenure {
  /** Counts up with every process that takes over. */
  readonly term: number;
  /** Counts up while the process of this term is alive. */
  readonly beat: number;
  /** Null when it left. */
  readonly holder: string | null;
}

interface LeaseParts {
  readonly write: Records['write'];
  readonly read: Kysely<Database>;
  /** Writes without waiting for anybody's transaction. */
  readonly pulse: Kysely<Database>;
}

/**
 * The right to sign, in a row of the records. Whoever has it counts `beat` up; a stand-by that saw the same beat for some time
 * by its own clock takes over under the next term. Nobody's time of day counts, so no clock that jumps ends or prolongs a
 * term. A process that slept does not know that its term is over: so each transaction of a signer checks it.
 */
export class Lease {
  readonly #parts: LeaseParts;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** @throws RecordsRetiredError */
  async look(): Promise<Tenure> {
    return await this.#parts.pulse
      .selectFrom('signing')
      .select(['term', 'beat', 'holder'])
      .where('id', '=', 1)
      .executeTakeFirstOrThrow(() => new RecordsRetiredError());
  }

  /** The new term, unless somebody took it, or showed to be alive, since `seen`. After this no other term writes anything. */
  take(seen: Tenure, holder: string): Promise<number | undefined> {
    return this.#parts.write(async (db) => {
      const row = await db
        .updateTable('signing')
        .set({ term: seen.term + 1, beat: 0, holder })
        .where('id', '=', 1)
        .where('term', '=', seen.term)
        .where('beat', '=', seen.beat)
        .returning('term')
        .executeTakeFirst();
      return row?.term;
    });
  }

  /** Shows that this process is alive. Whether the term is still its own. */
  async renew(term: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#parts.pulse
      .updateTable('signing')
      .set(({ eb }) => ({ beat: eb('beat', '+', 1) }))
      .where('id', '=', 1)
      .where('term', '=', term)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Lets the next one take over at once. */
  async leave(term: number): Promise<void> {
    await this.#parts.write((db) =>
      db.updateTable('signing').set({ holder: null }).where('id', '=', 1).where('term', '=', term).execute(),
    );
  }

  /** Ends it for good: nobody signs from these records, or writes into them, any more. */
  async retire(): Promise<void> {
    await this.#parts.write((db) => db.deleteFrom('signing').execute());
  }

  /** The records for the signer of this term: a transaction fails with `SignerLostError` once the term is over. */
  records(term: number): Records {
    const { read, write } = this.#parts;
    return {
      read,
      write: (work) =>
        write(async (db) => {
          // Together: a connection runs what it is given in that order, and nothing is kept before both have ended.
          const [, result] = await Promise.all([assertTerm(db, term), work(db)]);
          return result;
        }),
      close: async () => {},
    };
  }
}

/** Taking over is a writing transaction as well, and only one of these runs at a time: the term stays until the commit. */
async function assertTerm(db: Transaction<Database>, term: number): Promise<void> {
  const row = await db.selectFrom('signing').select('term').where('id', '=', 1).executeTakeFirst();
  if (row?.term !== term) throw new SignerLostError();
}

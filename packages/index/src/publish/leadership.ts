import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Lease, Tenure } from '../records/lease.ts';
import type { Records } from '../records/records.ts';

/** A leader shows this often that it is alive, and a stand-by looks this often whether it does, in milliseconds. */
const BEAT_MS = 500;
/** Who could not begin leaves it to others for this long, in milliseconds. */
const PAUSE_MS = 10_000;
/** A leader that showed nothing for this long, by the clock of the stand-by, has its place taken. */
const SILENCE_MS = 2_500;

export interface LeadershipParts {
  readonly lease: Lease;
  /** What this process calls itself, for people who look. */
  readonly holder: string;
  readonly logger: Logger;
  /** Begins to sign, with records that fail once the term is over. When it throws, the term is given back. */
  readonly onLead: (records: Records) => Promise<void>;
  /** Another process signs: what {@link onLead} began is abandoned. */
  readonly onLost: () => void;
  /** Ends what {@link onLead} began, as far as it came. */
  readonly onEnd: () => Promise<void>;
}

/** Whether this process signs: of all that could, one does, and another takes over when it falls silent. */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #closed = new AbortController();
  #woken = new AbortController();
  #term: number | undefined;
  /** The last sign of life that was seen, and when, by the monotonic clock of this process. */
  #seen: { readonly tenure: Tenure; readonly since: number } | undefined;
  #beginning: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();
  #unreachable = false;
  #pausedUntil = 0;

  private constructor(parts: LeadershipParts) {
    this.#parts = parts;
  }

  /** Leads when it begins, if nobody does; else stands by. @throws whatever beginning to sign throws, or the records */
  static async begin(parts: LeadershipParts): Promise<Leadership> {
    const leadership = new Leadership(parts);
    try {
      await leadership.#step();
      await leadership.#beginning;
    } catch (error) {
      await leadership.close();
      throw error;
    }
    leadership.#running = leadership.#run();
    return leadership;
  }

  /** While this process leads. */
  get term(): number | undefined {
    return this.#term;
  }

  /** The term that was last heard of. */
  get lastTerm(): number | undefined {
    return this.#term ?? this.#seen?.tenure.term;
  }

  /** Looks now: something says that the term may be over, or free. */
  look(): void {
    this.#woken.abort();
  }

  /** Ends what was begun, and lets the next one lead at once. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#woken.abort();
    await this.#running;
    await this.#end();
  }

  async #run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      await wait(BEAT_MS, undefined, { signal: this.#woken.signal }).catch(() => {}); // Woken.
      if (this.#woken.signal.aborted && !this.#closed.signal.aborted) this.#woken = new AbortController();
      if (!this.#closed.signal.aborted) await this.#stepOrWait();
    }
  }

  async #stepOrWait(): Promise<void> {
    try {
      await this.#step();
      this.#unreachable = false;
    } catch (error) {
      // Not the end of the term: when the records are back, they tell whether somebody took over.
      if (!this.#unreachable) this.#parts.logger.error({ err: error }, 'the records do not tell who signs');
      this.#unreachable = true;
    }
  }

  async #step(): Promise<void> {
    const { lease, holder, logger } = this.#parts;
    if (this.#term !== undefined) {
      if (await lease.renew(this.#term)) return;
      logger.warn({ term: this.#term }, 'another process signs now; this one stands by');
      this.#term = undefined;
      this.#parts.onLost();
      return;
    }
    const tenure = await lease.look();
    if (!this.#isFree(tenure) || performance.now() < this.#pausedUntil) return;
    const term = await lease.take(tenure, holder);
    if (term === undefined) return;
    this.#term = term;
    logger.info({ term, before: tenure.holder }, 'this process signs now');
    this.#beginning = this.#lead(term);
    this.#beginning.catch(() => {}); // It was logged, and `begin` looks at it.
  }

  /** Whether nobody signs: its holder left, or has not been heard of for long. */
  #isFree(tenure: Tenure): boolean {
    if (tenure.holder === null) return true;
    const { term, beat } = this.#seen?.tenure ?? {};
    if (tenure.term !== term || tenure.beat !== beat) this.#seen = { tenure, since: performance.now() };
    return performance.now() - (this.#seen?.since ?? 0) >= SILENCE_MS;
  }

  async #lead(term: number): Promise<void> {
    try {
      await this.#parts.onLead(this.#parts.lease.records(term));
    } catch (error) {
      if (this.#term !== term) return; // It is another's by now.
      this.#parts.logger.error({ err: error, term }, 'signing could not begin; the right to sign is given back');
      this.#pausedUntil = performance.now() + PAUSE_MS;
      await this.#end();
      throw error;
    }
  }

  async #end(): Promise<void> {
    await this.#parts.onEnd();
    const term = this.#term;
    this.#term = undefined;
    this.#seen = undefined;
    if (term !== undefined) await this.#parts.lease.leave(term).catch(() => {}); // Then it is taken after a silence.
  }
}

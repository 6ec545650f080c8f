import type { Logger } from 'pino';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import { isIntact, restoreKept } from '../repair.ts';
import { isKept } from './kept-roles.ts';
import type { RoleTable } from './role-table.ts';

/** An index with at most this many roles is looked through before it serves: that takes a second or two. */
const LOOKED_THROUGH_AT_START = 2_000;
/** Roles that are looked at together. */
const PAGE = 20;
/** Milliseconds between two pages: a million roles take 14 hours, and the store hardly notices. */
const PAUSE_MS = 1_000;
/** Milliseconds from the end of one walk to the beginning of the next. */
const REST_MS = 3_600_000;

export interface ScrubberParts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly table: RoleTable;
  readonly logger: Logger;
  /** Called with how many objects were looked at, and how many of them were damaged or missing. */
  readonly onScrubbed: (looked: number, damaged: number) => void;
}

/**
 * Walks the objects of all published roles, over and over, and notes those that are lost or not what was signed: the
 * publisher signs them anew, under their next version; what others signed is put again from the records. A large index is never read as a whole at once.
 */
export class Scrubber {
  readonly #parts: ScrubberParts;
  #after = '';
  #restsUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(parts: ScrubberParts) {
    this.#parts = parts;
  }

  /** Resolves when a small index has been looked through. */
  static async start(parts: ScrubberParts): Promise<Scrubber> {
    const scrubber = new Scrubber(parts);
    if (parts.table.size <= LOOKED_THROUGH_AT_START) await scrubber.pass();
    scrubber.#timer = setInterval(() => scrubber.#look(), PAUSE_MS).unref();
    return scrubber;
  }

  /** Looks at every role once, without a pause. */
  async pass(): Promise<void> {
    do await this.#page();
    while (this.#after !== '');
  }

  /** Resolves when nothing is being looked at any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  #look(): void {
    this.#running = this.#running.then(() => this.#lookNow());
  }

  async #lookNow(): Promise<void> {
    if (this.#closed || performance.now() < this.#restsUntil) return;
    try {
      await this.#page();
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'published metadata could not be looked through; it is tried again');
    }
  }

  /** The next few roles; behind the last comes the first. */
  async #page(): Promise<void> {
    const { records, objects, table, logger, onScrubbed } = this.#parts;
    const rows = await records.read
      .selectFrom('roles')
      .select(['role', 'version', 'sha256', 'length', 'retired'])
      .where('role', '>', this.#after)
      .orderBy('role')
      .limit(PAGE)
      .execute();
    const looked = rows.filter(({ role, retired }) => retired === 0 && role !== 'timestamp');
    const intact = await Promise.all(looked.map((row) => isIntact(objects, row)));
    const damaged = looked.filter((_, at) => intact[at] === false);
    // What others signed nobody here can sign anew, and need not.
    await restoreKept(
      records,
      objects,
      damaged.flatMap(({ role }) => (isKept(role) ? [role] : [])),
    );
    for (const { role, version } of damaged.filter((row) => !isKept(row.role))) {
      // A newer version may have come meanwhile, and this one may be swept one day.
      if (table.version(role) !== version || table.damaged.has(role)) continue;
      table.damaged.add(role);
      logger.warn({ role, version }, 'the object of a published role is damaged or missing; the role is signed anew');
    }
    onScrubbed(looked.length, damaged.length);
    this.#after = (rows.length === PAGE && rows.at(-1)?.role) || '';
    if (this.#after === '') this.#restsUntil = performance.now() + REST_MS;
  }
}

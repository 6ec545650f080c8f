import type { Logger } from 'pino';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import { dropOutdated } from '../transactions/outdated.ts';
import { dropAbandoned } from '../transactions/staged.ts';
import { roleKey } from './publications.ts';

/** How long the metadata that a publication replaced certainly stays fetchable, in milliseconds: nobody's refresh takes longer. */
export const GRACE_MS = 60 * 60 * 1000;
/** How long it stays at most, in milliseconds: for those who come back, the next version is sent as a delta against it. */
export const DICTIONARY_MS = 7 * 24 * 60 * 60 * 1000;
/** After the grace time, how many replaced versions of one role stay. */
export const DICTIONARIES = 16;
/** How often it is looked for what may go, in milliseconds. */
const LOOK_MS = 60_000;
/** Objects that are removed before the records are told; a crash in between only removes them once more. */
const BATCH = 500;

export interface SweepParts {
  readonly records: Records;
  readonly objects: Pick<ObjectStore, 'delete'>;
  readonly clock: () => Date;
  readonly logger: Logger;
}

/**
 * Removes versions of roles and snapshots that are too old for anything (P11). Root versions stay for ever. The cost follows what
 * was replaced, not the size of the index.
 * @returns how many objects were removed
 */
export async function sweepOld(parts: SweepParts, stop?: AbortSignal): Promise<number> {
  const { records, clock } = parts;
  const newest = await unlistedSince(records, clock().getTime() - DICTIONARY_MS);
  return removeAll(parts, stop, () =>
    records.read
      .selectFrom('replaced')
      .select(['role', 'version'])
      .where('publication', '<=', newest)
      .orderBy('publication')
      .limit(BATCH)
      .execute(),
  );
}

/**
 * Removes versions that are past the grace time and have enough newer ones beside them, also replaced. Looked at is what publications
 * after `since` replaced.
 * @returns how many objects were removed, and where to go on the next time
 */
export async function sweepSurplus(
  parts: SweepParts,
  since: number,
  stop?: AbortSignal,
): Promise<{ readonly removed: number; readonly upTo: number }> {
  const { records, clock } = parts;
  const upTo = await unlistedSince(records, clock().getTime() - GRACE_MS);
  const removed = await removeAll(parts, stop, () =>
    records.read
      .selectFrom('replaced as newer')
      .innerJoin('replaced as old', (on) =>
        on
          .onRef('old.role', '=', 'newer.role')
          .on((eb) => eb('old.version', '=', eb('newer.version', '-', DICTIONARIES))),
      )
      .select(['old.role', 'old.version'])
      .where('newer.publication', '>', since)
      .where('newer.publication', '<=', upTo)
      .limit(BATCH)
      .execute(),
  );
  return { removed, upTo };
}

/** What publications up to this one replaced, no snapshot listed that was the newest at this time, or later. */
export async function unlistedSince(records: Records, time: number): Promise<number> {
  const newest = await records.read
    .selectFrom('publications')
    .select('lists')
    .where('published_at', '<', time)
    .orderBy('published_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest?.lists ?? 0;
}

type Replaced = readonly { readonly role: string; readonly version: number }[];

async function removeAll(
  { records, objects }: SweepParts,
  stop: AbortSignal | undefined,
  next: () => Promise<Replaced>,
): Promise<number> {
  for (let removed = 0; ; ) {
    const rows = await next();
    for (const { role, version } of rows) {
      if (stop?.aborted) return removed;
      await objects.delete(roleKey(role, version));
      removed++;
    }
    await records.write((db) =>
      Promise.all(
        rows.map(({ role, version }) =>
          db.deleteFrom('replaced').where('role', '=', role).where('version', '=', version).execute(),
        ),
      ),
    );
    if (rows.length < BATCH) return removed;
  }
}

/** Drops what was staged for claims that did not come. @returns how many files and projects */
async function sweepAbandoned(parts: SweepParts, stop: AbortSignal): Promise<number> {
  for (let dropped = 0; ; ) {
    const some = stop.aborted ? 0 : await dropAbandoned(parts, parts.clock());
    if (some === 0) return dropped;
    dropped += some;
  }
}

/** Drops transactions that waited too long for signatures. Each is told in the log: nobody else hears of it. */
async function sweepOutdated({ records, clock, waitingMs, logger }: WaitingParts, stop: AbortSignal): Promise<void> {
  for (;;) {
    const some = stop.aborted ? [] : await dropOutdated(records, clock(), waitingMs);
    if (some.length === 0) return;
    for (const { id, project, account, recorded_at } of some) {
      const facts = { transaction: id, project, account, recordedAt: new Date(recorded_at).toISOString() };
      logger.info(facts, 'a transaction that waited too long for signatures was dropped');
    }
  }
}

interface WaitingParts extends SweepParts {
  /** For how long transactions wait for signatures, in milliseconds. */
  readonly waitingMs: number;
}

/** Sweeps from time to time, until it is closed. */
export class Sweeper {
  readonly #parts: WaitingParts;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();
  /** What was surplus before this publication was found by the process before this one, or goes when it is old. */
  #since: number | undefined;

  constructor(parts: WaitingParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Resolves when nothing is being removed any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#running;
  }

  #look(): void {
    this.#running = this.#running.then(() => this.#sweep());
  }

  async #sweep(): Promise<void> {
    try {
      const { records, clock } = this.#parts;
      this.#since ??= await unlistedSince(records, clock().getTime() - 2 * GRACE_MS);
      const old = await sweepOld(this.#parts, this.#stop.signal);
      const surplus = await sweepSurplus(this.#parts, this.#since, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#since = surplus.upTo;
      const removed = old + surplus.removed;
      if (removed > 0) this.#parts.logger.info({ removed }, 'replaced metadata was removed');
      const dropped = await sweepAbandoned(this.#parts, this.#stop.signal);
      if (dropped > 0) this.#parts.logger.info({ dropped }, 'files that were staged and never claimed were dropped');
      await sweepOutdated(this.#parts, this.#stop.signal);
    } catch (error) {
      this.#parts.logger.error({ err: error }, 'what is too old could not be removed; it is tried again');
    }
  }
}

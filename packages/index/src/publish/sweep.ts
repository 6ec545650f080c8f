import type { Logger } from 'pino';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import { roleKey } from './publications.ts';

/** How long the metadata that a publication replaced stays fetchable, in milliseconds: nobody's refresh takes longer. */
export const GRACE_MS = 60 * 60 * 1000;
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
 * Removes versions of roles and snapshots that were replaced longer than the grace time ago (P11). Root versions stay for
 * ever. The cost follows what was replaced, not the size of the index.
 * @returns how many objects were removed
 */
export async function sweepReplaced({ records, objects, clock }: SweepParts, stop?: AbortSignal): Promise<number> {
  const before = clock().getTime() - GRACE_MS;
  for (let removed = 0; ; ) {
    const rows = await records.read
      .selectFrom('replaced')
      .innerJoin('publications', 'publications.id', 'replaced.publication')
      .select(['replaced.role', 'replaced.version', 'replaced.publication'])
      .where('publications.published_at', '<', before)
      .orderBy('replaced.publication')
      .limit(BATCH)
      .execute();
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

/** Sweeps from time to time, until it is closed. */
export class Sweeper {
  readonly #parts: SweepParts;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: SweepParts) {
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
      const removed = await sweepReplaced(this.#parts, this.#stop.signal);
      if (removed > 0) this.#parts.logger.info({ removed }, 'replaced metadata was removed');
    } catch (error) {
      this.#parts.logger.error({ err: error }, 'replaced metadata could not be removed; it is tried again');
    }
  }
}

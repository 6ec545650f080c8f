import type { Transaction } from 'kysely';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { beginMass, endMass, type Mass, massUnderWay } from './mass.ts';
import { IS_IMPORTED } from './mass-plan.ts';
import type { AcceptedTrees } from './offer/accept-trees.ts';
import { insertOffered, keepOffered } from './offer/record-offer.ts';
import type { AcceptedOffer, OfflineOffer } from './offline.ts';

export interface MassWaiter {
  readonly resolve: (timestampVersion: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Which mass publication is under way, or to be begun, and who waits for it. One at a time. */
export class MassQueue {
  readonly #records: Records;
  /** There may be one in the records. */
  #underWay = true;
  /** Who wants imported files to be published. */
  #imports: MassWaiter[] = [];
  #waiters: MassWaiter[] = [];

  constructor(records: Records) {
    this.#records = records;
  }

  addImport(waiter: MassWaiter): void {
    this.#imports.push(waiter);
  }

  /** What is under way; it begins one where imported files are to be published. */
  async next(now: Date, newest: number): Promise<Mass | undefined> {
    const found = this.#underWay ? await massUnderWay(this.#records) : undefined;
    this.#underWay = found !== undefined;
    if (found || this.#imports.length === 0) return found;
    const waiters = this.#imports;
    this.#imports = [];
    try {
      if (await this.#hasImported())
        return await this.#begin(waiters, (db) => beginMass(db, { kind: 'imported', now }));
    } catch (error) {
      for (const { reject } of waiters) reject(error);
      throw error;
    }
    for (const { resolve } of waiters) resolve(newest);
    return undefined;
  }

  /** Everything is to be signed anew, because of what the holders of the offline keys signed. */
  async beginAll(accepted: AcceptedOffer, waiter: MassWaiter, now: Date): Promise<void> {
    await this.#begin([waiter], (db) => beginMass(db, { kind: 'everything', offer: offerOf(accepted), now }));
  }

  /**
   * Publishes roles of the offline trees and what follows from them.
   * @returns false when something that it concerns waits in the queue and has to be published before
   */
  async beginOffer(
    accepted: AcceptedOffer,
    trees: AcceptedTrees,
    { waiter, now, everything }: { waiter: MassWaiter; now: Date; everything: boolean },
  ): Promise<boolean> {
    await keepOffered(this.#records, trees);
    const kind = everything ? 'everything' : 'offered';
    let begun = false;
    await this.#begin([], async (db) => {
      begun = await insertOffered(db, trees, now);
      if (begun) await beginMass(db, { kind, offer: offerOf(accepted), now });
    });
    if (begun) this.#waiters.push(waiter);
    return begun;
  }

  /** Its publication, with this id, is visible. */
  async end({ kind }: Mass, publication: number): Promise<void> {
    await endMass(this.#records, kind);
    this.#underWay = false;
    for (const { resolve } of this.#waiters) resolve(publication);
    this.#waiters = [];
  }

  /** What is under way goes on at the next attempt; whoever waits does not wait so long. */
  fail(error: unknown): void {
    for (const { reject } of [...this.#waiters, ...this.#imports]) reject(error);
    this.#waiters = [];
    this.#imports = [];
  }

  async #begin(
    waiters: readonly MassWaiter[],
    write: (db: Transaction<Database>) => Promise<void>,
  ): Promise<Mass | undefined> {
    this.#underWay = true; // Also when it fails: a commit may have happened that nobody heard of.
    await this.#records.write(write);
    this.#waiters.push(...waiters);
    return await massUnderWay(this.#records);
  }

  async #hasImported(): Promise<boolean> {
    const { read } = this.#records;
    const row = await read.selectFrom('files').select('bin').where(IS_IMPORTED).limit(1).executeTakeFirst();
    return row !== undefined;
  }
}

function offerOf({ root, targets }: AcceptedOffer): OfflineOffer {
  return { ...(root && { root: root.bytes }), ...(targets && { targets: targets.bytes }) };
}

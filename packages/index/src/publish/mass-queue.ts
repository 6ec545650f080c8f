import type { Records } from '../records/records.ts';
import { beginMass, endMass, type Mass, massUnderWay } from './mass.ts';
import { IS_IMPORTED } from './mass-plan.ts';
import type { AcceptedOffer } from './offline.ts';

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
      if (await this.#hasImported()) return await this.#begin(waiters, { everything: false, now });
    } catch (error) {
      for (const { reject } of waiters) reject(error);
      throw error;
    }
    for (const { resolve } of waiters) resolve(newest);
    return undefined;
  }

  /** Everything is to be signed anew, because of what the holders of the offline keys signed. */
  async beginAll({ root, targets }: AcceptedOffer, waiter: MassWaiter, now: Date): Promise<void> {
    const offer = { ...(root && { root: root.bytes }), ...(targets && { targets: targets.bytes }) };
    await this.#begin([waiter], { everything: true, offer, now });
  }

  /** Its publication, with this id, is visible. */
  async end(publication: number): Promise<void> {
    await endMass(this.#records);
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

  async #begin(waiters: readonly MassWaiter[], what: Parameters<typeof beginMass>[1]): Promise<Mass | undefined> {
    this.#underWay = true; // Also when it fails: a commit may have happened that nobody heard of.
    await beginMass(this.#records, what);
    this.#waiters.push(...waiters);
    return await massUnderWay(this.#records);
  }

  async #hasImported(): Promise<boolean> {
    const { read } = this.#records;
    const row = await read.selectFrom('files').select('bin').where(IS_IMPORTED).limit(1).executeTakeFirst();
    return row !== undefined;
  }
}

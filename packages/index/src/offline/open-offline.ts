import type { ClaimFact, QuietFact, RotatedFact } from '@holdfast/trust';
import { readConfig } from '../open.ts';
import type { OfflineOffer } from '../publish/offline.ts';
import type { Records } from '../records/records.ts';
import { openRecords } from '../stores.ts';
import type { LeavingFact, QuietPolicy } from './facts.ts';
import { type OfferOutcome, outcomeOf, recordOffer } from './offers.ts';
import { readClaims, readRotated } from './read-claims.ts';
import { readLeaving, readQuiet, readUpdated } from './read-quiet.ts';
import { newestPublication } from '../publish/newest-publication.ts';
import { readOfflineRoles, readRetired, readRoots } from './read-roles.ts';

/** What an index has for the holders of its offline keys, and takes from them. Also while another process serves it. */
export class OfflineDesk {
  readonly #records: Records;

  private constructor(records: Records) {
    this.#records = records;
  }

  /** The caller closes. @throws NoIndexError */
  static async open(directory: string): Promise<OfflineDesk> {
    return new OfflineDesk(await openRecords(directory, (await readConfig(directory)).stores));
  }

  /** Version of the timestamp that everyone gets. */
  async publication(): Promise<number> {
    return (await newestPublication(this.#records)).id;
  }

  roots(): Promise<readonly Uint8Array[]> {
    return readRoots(this.#records.read);
  }

  /** What offline keys signed, as it is published: targets and the roles of their trees. */
  roles(): AsyncGenerator<{ readonly role: string; readonly bytes: Uint8Array }> {
    return readOfflineRoles(this.#records.read);
  }

  retired(): Promise<readonly { readonly role: string; readonly version: number }[]> {
    return readRetired(this.#records.read);
  }

  claims(): AsyncGenerator<ClaimFact> {
    return readClaims(this.#records.read);
  }

  rotated(): AsyncGenerator<RotatedFact> {
    return readRotated(this.#records.read);
  }

  quiet(policy: QuietPolicy): AsyncGenerator<QuietFact> {
    return readQuiet(this.#records.read, policy);
  }

  /** Rarely updated projects with new files: they leave, or get them listed. */
  leaving(): AsyncGenerator<LeavingFact> {
    return readLeaving(this.#records.read);
  }

  updated(): AsyncGenerator<QuietFact> {
    return readUpdated(this.#records.read);
  }

  /** Hands over what the holders signed. The process that signs publishes it. @returns its number */
  offer(offer: OfflineOffer): Promise<number> {
    return recordOffer(this.#records, offer, new Date());
  }

  /** How it ended; `undefined` when no process has begun with it for `beginMs` milliseconds. */
  outcome(id: number, beginMs: number): Promise<OfferOutcome | undefined> {
    return outcomeOf(this.#records, id, beginMs);
  }

  close(): Promise<void> {
    return this.#records.close();
  }
}

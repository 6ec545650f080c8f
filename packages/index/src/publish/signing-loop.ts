import type { Signer } from '@holdfast/tuf';
import type { Logger } from 'pino';
import { IndexClosedError, MetadataRefusedError, OnlineKeyError, SignerLostError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import { FeedMerger } from '../feed/feed-merger.ts';
import { outsideRequests } from '../request-context.ts';
import type { Watch } from '../watch.ts';
import { waitingChanges } from './batch.ts';
import { dueBins, timestampIsDue } from './due.ts';
import { FlatSnapshots } from './flat-snapshots.ts';
import type { Lifetimes } from './lifetimes.ts';
import { type Mass, type MassProgress, numberMass, preparedRoles, signMass } from './mass.ts';
import { MassQueue } from './mass-queue.ts';
import { acceptTrees, concernsTrees, verifyTrees } from './offer/accept-trees.ts';
import { offeredMoves, offeredProjects, offeredRetired, putOffered } from './offer/record-offer.ts';
import type { VerifiedRoles } from './offer/verified-roles.ts';
import { acceptOffer, type AcceptedOffer, type Offline, type OfflineOffer } from './offline.ts';
import { preparePublication, type PrepareOptions } from './prepare.ts';
import {
  finishPublication,
  type PendingPublication,
  recordPublication,
  unfinishedPublication,
} from './publications.ts';
import type { RoleTable } from './role-table.ts';
import { type OnlineTop, SigningKeys } from './signing-keys.ts';

export interface SigningParts {
  /** Those of the right to sign: when it is lost, they write nothing any more. */
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly table: RoleTable;
  readonly lifetimes: Lifetimes;
  readonly clock: () => Date;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** All online keys of the index; root and targets say which of them sign what. */
  readonly signers: readonly Signer[];
  /** Learns what is published, as the records say. */
  readonly learn: () => Promise<void>;
  /** Called when a publication has become visible. */
  readonly onPublished: (publication: PendingPublication) => void;
  /** Called when one failed; it is tried again. */
  readonly onFailed: (error: unknown) => void;
  /** Watches the parts of a publication: sign what waits, write it to the records, put it into the object store. */
  readonly watch: Watch;
  /** Called while many roles are signed, such as those of an import. */
  readonly onMass?: ((progress: MassProgress) => void) | undefined;
  /** More roles than this are not signed anew in one ordinary publication. */
  readonly massFrom?: number | undefined;
}

/** Bins that are signed again for their age in one publication: the rest follows in the next. */
const MAX_RENEWALS = 200;
/** More roles than this are signed anew in parts: some 20 MB. */
const MASS_FROM = 2_000;
/** Renewal is looked for this often, in milliseconds, and ten times in the life of a timestamp. */
const MAX_LOOK_MS = 60_000;

interface Offered {
  readonly offer: OfflineOffer;
  /** Its roles, once they are verified. */
  verified?: VerifiedRoles;
  readonly waiter: {
    readonly resolve: (timestampVersion: number) => void;
    readonly reject: (error: unknown) => void;
  };
}

/**
 * The one signer of an index (DESIGN §5). Changes wait in the records; whatever waits is signed together, written to the
 * records as a prepared publication, put into the object store, timestamp last, and only then acknowledged.
 */
export class SigningLoop {
  readonly #parts: SigningParts;
  readonly #feed: FeedMerger;
  readonly #mass: MassQueue;
  readonly #flat: FlatSnapshots;
  #offline: Offline | undefined;
  #keys: SigningKeys | undefined;
  #timer: NodeJS.Timeout | undefined;
  #offers: Offered[] = [];
  /** A publication may be recorded that is not known to be in the object store. */
  #unfinished = true;
  #signing: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #abandoned = false;

  /** `offline` is undefined for an index that is being made: its first offer brings root and targets. */
  constructor(parts: SigningParts, offline: Offline | undefined) {
    this.#parts = parts;
    this.#feed = new FeedMerger(parts);
    this.#mass = new MassQueue(parts.records);
    this.#flat = new FlatSnapshots({ ...parts, wake: () => this.wake() });
    this.#offline = offline;
    this.#keys = offline && SigningKeys.from(offline.root, offline.targets, parts.signers);
  }

  /** From now on looks by itself for what is due, and again for what failed. */
  keepFresh(): void {
    const look = Math.min(MAX_LOOK_MS, this.#parts.lifetimes.timestamp * 100);
    this.#feed.wake();
    this.#timer ??= setInterval(() => this.wake(), look).unref();
  }

  /** Puts what was prepared before, signs what waits and what is due; resolves when everything is visible. */
  async catchUp(): Promise<void> {
    await this.#sign();
  }

  /** Looks for what waits, also for what other processes took in. */
  wake(): void {
    if (!this.#closed) void this.#sign().catch(() => {}); // Whoever waits was told; the timer tries again.
  }

  /**
   * Publishes root and targets that the holders of the offline keys signed, together with everything that the index has to
   * sign anew because of them. Resolves with the version of the timestamp that leads to them.
   * @throws MetadataRefusedError, OnlineKeyError — nothing was changed
   * @throws IndexClosedError, or what the records or the object store throw: then it may be published later, or not
   */
  importOffline(offer: OfflineOffer): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new IndexClosedError());
      this.#offers.push({ offer, waiter: { resolve, reject } });
      this.wake();
    });
  }

  /**
   * Publishes the files that an import brought into the records. Resolves with the version of the timestamp that leads to them.
   * @throws IndexClosedError, or what the records or the object store throw: it goes on at the next start
   */
  publishImported(): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new IndexClosedError());
      this.#mass.addImport({ resolve, reject });
      this.wake();
    });
  }

  /** Another process signs: whatever this loop is waiting for, it changes and tells nothing any more. */
  abandon(): void {
    this.#abandoned = true;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#failOffers(new SignerLostError());
  }

  /** Finishes what is being signed. What waits is signed at the next start, or by another process. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#flat.close();
    await this.#signing?.catch(() => {}); // It was logged, and whoever waits was told.
    await this.#feed.close();
    this.#failOffers(new IndexClosedError());
  }

  #sign(): Promise<void> {
    this.#again = true;
    this.#signing ??= outsideRequests(() => this.#signAll());
    return this.#signing;
  }

  /** Ends in the same turn in which it finds nothing more to do: a call in between starts it again. */
  async #signAll(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        while (!this.#closed && (await this.#publishOnce()));
      }
    } catch (error) {
      this.#parts.onFailed(error);
      this.#failOffers(error);
      throw error;
    } finally {
      this.#signing = undefined;
    }
  }

  /** One publication. Whether there was anything to publish. */
  async #publishOnce(): Promise<boolean> {
    const { records, table, lifetimes, clock, random, watch } = this.#parts;
    if (this.#unfinished) await this.#finish();
    const now = clock();
    const mass = await this.#mass.next(now, table.newest);
    if (mass) return await this.#publishMass(mass);
    const offered = await this.#nextOffer(now);
    if (offered === 'begun') return true;
    const keys = offered?.keys ?? this.#keys;
    if (!keys) return false;
    try {
      const changes = await waitingChanges(records.read);
      const rekeyed = this.#rekeyed(keys);
      if (rekeyed.length > 0 && offered && table.size > (this.#parts.massFrom ?? MASS_FROM)) {
        await this.#mass.beginAll(offered.accepted, offered.waiter, now);
        return true;
      }
      const renewals = rekeyed.flatMap((top) => [...table.rolesOf(top)]);
      if (renewals.length === 0) renewals.push(...(await dueBins(records.read, table, lifetimes, now, MAX_RENEWALS)));
      for (const top of keys.tops) if (table.version(top) === undefined) renewals.push(top);
      const nothing = changes.length === 0 && renewals.length === 0 && !offered;
      this.#flat.look(keys, now);
      if (nothing && !timestampIsDue(table, lifetimes, now) && !this.#flat.isWaiting(now)) return false;
      const offer = offered?.accepted;
      const sources = { db: records.read, table, flat: this.#flat, keys, lifetimes, now, random };
      const whole = { part: 'publish', operation: 'whole', changes: changes.map(({ id }) => id) } as const;
      await watch(whole, async () => {
        const publication = await watch({ part: 'publish', operation: 'sign' }, () =>
          preparePublication({ ...sources, changes, renewals, offer }),
        );
        this.#unfinished = true; // Also when recording it fails: a commit may have happened that nobody heard of.
        const pending = await watch({ part: 'publish', operation: 'record' }, () =>
          recordPublication(records, publication, now),
        );
        await watch({ part: 'publish', operation: 'store' }, () => this.#finish(pending));
        offered?.waiter.resolve(publication.id);
      });
      return !nothing;
    } catch (error) {
      offered?.waiter.reject(error);
      throw error;
    }
  }

  /** Many roles in parts, and then a publication that brings them all. Uploads wait; timestamps are renewed. */
  async #publishMass(mass: Mass): Promise<boolean> {
    const { records, objects, table, lifetimes, clock, random, signers, onMass } = this.#parts;
    if (mass.publication !== null) {
      await this.#mass.end(mass, mass.publication);
      return true;
    }
    // It was new when the publication began: what a crash delayed is finished.
    const offer = mass.offer && (await acceptOffer(this.#offline, mass.offer, mass.begunAt));
    const keys = offer ? SigningKeys.from(offer.offline.root, offer.offline.targets, signers) : this.#keys;
    if (!keys) return false;
    if (mass.kind !== 'imported') await putOffered(records, objects);
    if (mass.kind !== 'offered') {
      for await (const progress of signMass({ ...this.#parts, keys, slice: this.#parts.massFrom })) {
        onMass?.(progress);
        if (this.#closed) return false; // It goes on at the next start.
        await this.#renewTimestamp();
      }
    }
    const prepared = await preparedRoles(records);
    const now = clock();
    const offered = await this.#offered(mass, keys);
    const sources = { db: records.read, table, flat: this.#flat, keys, lifetimes, now, random };
    const publication = await preparePublication({ ...sources, ...offered, offer, prepared, changes: [] });
    this.#unfinished = true;
    const pending = await recordPublication(records, publication, now, (db) => numberMass(db, publication.id));
    const put = prepared.map((role) => ({ ...role, bytes: undefined }));
    await this.#finish({ ...pending, roles: [...pending.roles, ...put] });
    await this.#mass.end(mass, publication.id);
    return true;
  }

  /** What an offline signing makes of the trees that the index signs, beside roles that are prepared already. */
  async #offered(
    { kind }: Mass,
    keys: SigningKeys,
  ): Promise<Pick<PrepareOptions, 'renewals' | 'moves' | 'retired' | 'projects'>> {
    const { records, table } = this.#parts;
    if (kind === 'imported') return { renewals: [] };
    const [retired, projects] = [await offeredRetired(records.read), await offeredProjects(records.read)];
    if (kind === 'everything') return { renewals: [], retired, projects };
    const renewals = keys.tops.filter((top) => table.version(top) === undefined);
    return { renewals, retired, projects, moves: await offeredMoves(records.read) };
  }

  /** With the keys that are published, and nothing else: other roles may not get new versions now. */
  async #renewTimestamp(): Promise<void> {
    const { records, table, lifetimes, clock, random } = this.#parts;
    const now = clock();
    if (!this.#keys || !timestampIsDue(table, lifetimes, now)) return;
    // After a recovery nothing is there that a timestamp could lead to, until all of it is signed.
    if (table.online('timestamp')?.expiresAt === 0) return;
    const sources = { db: records.read, table, flat: this.#flat, keys: this.#keys, lifetimes, now, random };
    const publication = await preparePublication({ ...sources, changes: [], renewals: [] });
    this.#unfinished = true;
    await this.#finish(await recordPublication(records, publication, now));
  }

  /** The next offer that may be published; whoever made another one is told why not. One of many roles begins to be. */
  async #nextOffer(
    now: Date,
  ): Promise<{ accepted: AcceptedOffer; keys: SigningKeys; waiter: Offered['waiter'] } | 'begun' | undefined> {
    for (let next = this.#offers.shift(); next; next = this.#offers.shift()) {
      const { offer, waiter } = next;
      try {
        const accepted = await acceptOffer(this.#offline, offer, now);
        const { root, targets } = accepted.offline;
        const keys = SigningKeys.from(root, targets, this.#parts.signers);
        if (!concernsTrees(offer, this.#offline?.targets, targets)) return { accepted, keys, waiter };
        if (await this.#beginTrees(next, accepted, keys, now)) return 'begun';
        // What waits for the same projects is published first.
        this.#offers.unshift(next);
        return undefined;
      } catch (error) {
        waiter.reject(error);
        if (!(error instanceof MetadataRefusedError || error instanceof OnlineKeyError)) throw error;
      }
    }
    return undefined;
  }

  async #beginTrees(next: Offered, accepted: AcceptedOffer, keys: SigningKeys, now: Date): Promise<boolean> {
    const { records, table, massFrom = MASS_FROM } = this.#parts;
    const context = { db: records.read, table, now };
    next.verified ??= await verifyTrees(next.offer, accepted.offline.targets, context);
    const trees = await acceptTrees(next.verified, next.offer, this.#offline?.targets, context);
    const everything = this.#rekeyed(keys).length > 0 || trees.leaves > massFrom;
    return this.#mass.beginOffer(accepted, trees, { waiter: next.waiter, now, everything });
  }

  /** Makes what was prepared visible and tells whoever waits for it: this publication, or what the records say is unfinished. */
  async #finish(prepared?: PendingPublication): Promise<void> {
    const { records, objects, table, clock, learn, onPublished } = this.#parts;
    // Of the commit that made a publication visible, too, the answer may have been lost.
    if (!prepared) await learn();
    const pending = prepared ?? (await unfinishedPublication(records));
    if (pending) {
      await finishPublication(records, objects, pending, clock());
      if (this.#abandoned) throw new SignerLostError(); // This process has learnt of it, or of more, from the records.
      table.publish(pending);
      if (pending.roles.some(({ role }) => role === 'snapshot')) this.#flat.published();
      this.#adoptOffline(pending);
      onPublished(pending);
      this.#feed.published(pending.id);
    }
    this.#unfinished = false;
  }

  /** What is published decides who signs what comes next. */
  #adoptOffline(published: PendingPublication): void {
    const root = published.root?.bytes ?? this.#offline?.root;
    const targets = published.roles.find(({ role }) => role === 'targets')?.bytes ?? this.#offline?.targets;
    if (!root || !targets || (root === this.#offline?.root && targets === this.#offline.targets)) return;
    this.#offline = { root, targets };
    this.#keys = SigningKeys.from(root, targets, this.#parts.signers);
  }

  /** Trees that other keys sign from now on. */
  #rekeyed(keys: SigningKeys): OnlineTop[] {
    const before = this.#keys;
    return before ? keys.tops.filter((top) => before.tops.includes(top) && !before.signAlike(top, keys)) : [];
  }

  #failOffers(error: unknown): void {
    for (const { waiter } of this.#offers) waiter.reject(error);
    this.#offers = [];
    this.#mass.fail(error);
  }
}

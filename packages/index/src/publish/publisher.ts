import type { ProjectName } from '@holdfast/python-index';
import { UNCLAIMED } from '@holdfast/trust';
import type { Signer } from '@holdfast/tuf';
import type { Logger } from 'pino';
import {
  FileUnknownError,
  IndexClosedError,
  MetadataRefusedError,
  OnlineKeyError,
  PublishDelayedError,
} from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import type { ChangeKind } from '../records/schema.ts';
import { currentRequest, outsideRequests } from '../request-context.ts';
import { Batches } from './batches.ts';
import { assertSignable, signableReason } from './signable.ts';
import { takeIn, type Taken } from './intake.ts';
import { dueBins, timestampIsDue } from './due.ts';
import type { Lifetimes } from './lifetimes.ts';
import type { NewFile, Published } from './new-file.ts';
import { acceptOffer, type AcceptedOffer, type Offline, type OfflineOffer } from './offline.ts';
import { preparePublication } from './prepare.ts';
import {
  finishPublication,
  type PendingPublication,
  recordPublication,
  unfinishedPublication,
} from './publications.ts';
import type { RoleTable } from './role-table.ts';
import { SigningKeys } from './signing-keys.ts';

export interface PublisherParts {
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
  /** Called when a publication has become visible. */
  readonly onPublished: (publication: PendingPublication) => void;
  /** Called with the seconds that each step of a publication took. */
  readonly onPhase: (phase: PublishPhase, seconds: number) => void;
}

/** Sign what waits, write it to the records, put it into the object store. */
export type PublishPhase = 'sign' | 'record' | 'store';

/** Uploads that share one transaction at intake, and changes that share one publication. */
const MAX_INTAKE = 200;
const MAX_CHANGES = 500;
/** Bins that are signed again for their age in one publication: the rest follows in the next. */
const MAX_RENEWALS = 200;
/** Renewal is looked for this often, in milliseconds, and ten times in the life of a timestamp. */
const MAX_LOOK_MS = 60_000;

interface Waiter {
  readonly resolve: (timestampVersion: number) => void;
  readonly reject: (error: unknown) => void;
  /** The request that waits, for the log. */
  readonly request?: string | undefined;
}

/**
 * The one signer of an index (DESIGN §5). Changes wait in the records; whatever waits is signed together, written to the
 * records as a prepared publication, put into the object store, timestamp last, and only then acknowledged.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  #offline: Offline | undefined;
  #keys: SigningKeys | undefined;
  readonly #intake: Batches<NewFile, Taken>;
  readonly #waiters = new Map<number, Waiter[]>();
  #timer: NodeJS.Timeout | undefined;
  #offers: { readonly offer: OfflineOffer; readonly waiter: Waiter }[] = [];
  /** A publication may be recorded that is not known to be in the object store. */
  #unfinished = true;
  /** Changes are published in the order of their ids: all up to this one are. */
  #publishedUpTo = 0;
  #signing: Promise<void> | undefined;
  #again = false;
  #closed = false;

  /** `offline` is undefined for an index that is being made: its first offer brings root and targets. */
  constructor(parts: PublisherParts, offline: Offline | undefined) {
    this.#parts = parts;
    this.#offline = offline;
    this.#keys = offline && SigningKeys.from(offline.root, offline.targets, parts.signers);
    this.#intake = new Batches(MAX_INTAKE, (files) =>
      this.#parts.records.write((db) => takeIn(db, files, this.#parts.clock())),
    );
  }

  /** From now on looks by itself for what is due, and again for what failed. */
  keepFresh(): void {
    const look = Math.min(MAX_LOOK_MS, this.#parts.lifetimes.timestamp * 100);
    this.#timer ??= setInterval(() => this.#wake(), look).unref();
  }

  /** Puts what was prepared before, signs what waits and what is due; resolves when everything is visible. */
  async catchUp(): Promise<void> {
    await this.#sign();
  }

  /**
   * Publishes a file whose object is stored. Resolves when it is in signed metadata that everyone can fetch.
   * @throws FilenameTakenError, ProjectFullError, NotYourProjectError, UnsignableFileError — nothing was changed
   * @throws PublishDelayedError — recorded, and published later
   * @throws IndexClosedError, StorageFullError
   */
  async publish(file: NewFile): Promise<Published> {
    if (this.#closed) throw new IndexClosedError();
    assertSignable(file);
    const taken = await this.#intake.add(file);
    if (taken.state === 'refused') throw taken.error;
    const published = this.#parts.table.version('timestamp') ?? 0;
    if (taken.state === 'published') return { outcome: 'already-published', timestampVersion: published };
    const timestampVersion = await this.#published(taken.change);
    return { outcome: taken.isNew ? 'published' : 'already-published', timestampVersion };
  }

  /** PEP 592: `true` or a reason yanks, `false` takes it back. @throws FileUnknownError */
  setYanked(
    project: ProjectName,
    filenames: readonly string[],
    yanked: boolean | string,
  ): Promise<{ readonly timestampVersion: number }> {
    const reason = typeof yanked === 'string' ? signableReason(yanked) : '';
    return this.#change(project, filenames, yanked === false ? 'unyank' : 'yank', yanked === false ? null : reason);
  }

  /** Takes a file out of the index for good; its name stays taken. @throws FileUnknownError */
  delete(project: ProjectName, filename: string): Promise<{ readonly timestampVersion: number }> {
    return this.#change(project, [filename], 'delete', null);
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
      this.#wake();
    });
  }

  /** Takes no more, finishes what is being signed. What waits is signed at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#signing?.catch(() => {}); // It was logged, and whoever waits was told.
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(new IndexClosedError());
    for (const { waiter } of this.#offers) waiter.reject(new IndexClosedError());
    this.#waiters.clear();
    this.#offers = [];
  }

  async #change(
    project: ProjectName,
    filenames: readonly string[],
    kind: ChangeKind,
    reason: string | null,
  ): Promise<{ readonly timestampVersion: number }> {
    if (this.#closed) throw new IndexClosedError();
    const recorded_at = this.#parts.clock().getTime();
    const last = await this.#parts.records.write(async (db) => {
      let id = 0;
      for (const filename of filenames) {
        const row = await db
          .selectFrom('files')
          .select('state')
          .where('filename', '=', filename)
          .where('project', '=', project)
          .executeTakeFirst();
        if (row?.state !== 'published') throw new FileUnknownError(project, filename);
        const change = { kind, filename, reason, account: null, recorded_at, publication: null };
        ({ id } = await db.insertInto('changes').values(change).returning('id').executeTakeFirstOrThrow());
      }
      return id;
    });
    if (last === 0) return { timestampVersion: this.#parts.table.version('timestamp') ?? 0 };
    return { timestampVersion: await this.#published(last) };
  }

  /** Resolves with the version of the timestamp that leads to the change. */
  #published(change: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (change <= this.#publishedUpTo) return resolve(this.#parts.table.version('timestamp') ?? 0);
      if (this.#closed) return reject(new IndexClosedError());
      const waiter = { resolve, reject, request: currentRequest()?.id };
      const waiters = this.#waiters.get(change);
      if (waiters) waiters.push(waiter);
      else this.#waiters.set(change, [waiter]);
      this.#wake();
    });
  }

  #wake(): void {
    if (!this.#closed) void this.#sign().catch(() => {}); // Whoever waits was told; the timer tries again.
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
      const requests = requestsOf([...this.#waiters.values()].flat());
      this.#parts.logger.error({ err: error, requests }, 'publishing failed; it is tried again');
      this.#failWaiters(error);
      throw error;
    } finally {
      this.#signing = undefined;
    }
  }

  /** One publication. Whether there was anything to publish. */
  async #publishOnce(): Promise<boolean> {
    const { records, table, lifetimes, clock, random } = this.#parts;
    if (this.#unfinished) await this.#finish();
    const now = clock();
    const offered = await this.#nextOffer(now);
    const keys = offered?.keys ?? this.#keys;
    if (!keys) return false;
    try {
      const changes = await records.read
        .selectFrom('changes')
        .selectAll()
        .where('publication', 'is', null)
        .orderBy('id')
        .limit(MAX_CHANGES)
        .execute();
      const rekeyed = this.#keys !== undefined && !this.#keys.signAlike(UNCLAIMED, keys);
      const renewals = rekeyed ? this.#allBins() : await dueBins(records.read, lifetimes, now, MAX_RENEWALS);
      if (table.version(UNCLAIMED) === undefined) renewals.push(UNCLAIMED);
      const nothing = changes.length === 0 && renewals.length === 0 && !offered;
      if (nothing && !timestampIsDue(table, lifetimes, now)) return false;
      const offer = offered?.accepted;
      const sources = { db: records.read, table, keys, lifetimes, now, random };
      const publication = await this.#timed('sign', () => preparePublication({ ...sources, changes, renewals, offer }));
      this.#unfinished = true; // Also when recording it fails: a commit may have happened that nobody heard of.
      await this.#timed('record', () => recordPublication(records, publication, now));
      await this.#timed('store', () => this.#finish());
      offered?.waiter.resolve(publication.id);
      return !nothing;
    } catch (error) {
      offered?.waiter.reject(error);
      throw error;
    }
  }

  async #timed<T>(phase: PublishPhase, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await work();
    this.#parts.onPhase(phase, (performance.now() - began) / 1000);
    return result;
  }

  /** The next offer that may be published; whoever made another one is told why not. */
  async #nextOffer(now: Date): Promise<{ accepted: AcceptedOffer; keys: SigningKeys; waiter: Waiter } | undefined> {
    for (let next = this.#offers.shift(); next; next = this.#offers.shift()) {
      const { offer, waiter } = next;
      try {
        const accepted = await acceptOffer(this.#offline, offer, now);
        const { root, targets } = accepted.offline;
        return { accepted, keys: SigningKeys.from(root, targets, this.#parts.signers), waiter };
      } catch (error) {
        waiter.reject(error);
        if (!(error instanceof MetadataRefusedError || error instanceof OnlineKeyError)) throw error;
      }
    }
    return undefined;
  }

  /** Puts the prepared publication, if there is one, into the object store and tells whoever waits for it. */
  async #finish(): Promise<void> {
    const { records, objects, table, clock, onPublished } = this.#parts;
    const pending = await unfinishedPublication(records);
    if (pending) {
      await finishPublication(records, objects, pending, clock());
      table.publish(pending.id, pending.roles);
      this.#adoptOffline(pending);
      onPublished(pending);
      const told: Waiter[] = [];
      for (const id of pending.changes) {
        this.#publishedUpTo = Math.max(this.#publishedUpTo, id);
        told.push(...(this.#waiters.get(id) ?? []));
        this.#waiters.delete(id);
      }
      const facts = { timestampVersion: pending.id, changes: pending.changes.length, requests: requestsOf(told) };
      this.#parts.logger.info(facts, 'publication');
      for (const { resolve } of told) resolve(pending.id);
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

  #allBins(): string[] {
    return Array.from(this.#parts.table.entries(), ({ role }) => role).filter(
      (role) => role === UNCLAIMED || role.startsWith(`${UNCLAIMED}.`),
    );
  }

  #failWaiters(cause: unknown): void {
    const error = new PublishDelayedError({ cause });
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(error);
    this.#waiters.clear();
    for (const { waiter } of this.#offers) waiter.reject(cause);
    this.#offers = [];
  }
}

function requestsOf(waiters: readonly Waiter[]): string[] {
  return waiters.flatMap(({ request }) => (request === undefined ? [] : [request]));
}

import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Signer } from '@holdfast/tuf';
import type { Logger } from 'pino';
import { AccountKeys } from './accounts/account-keys.ts';
import { Accounts } from './accounts/accounts.ts';
import { Catalog } from './catalog.ts';
import { type IndexConfig, WAITING_DAYS } from './config.ts';
import { IndexInUseError, SignerLostError, StandingByError } from './errors.ts';
import type { Probe } from './http/health.ts';
import { type Observed, observeIndex } from './index-gauges.ts';
import { probesOf } from './index-probes.ts';
import { PublishedMetadata } from './metadata.ts';
import { Metrics } from './metrics.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { type OfflineExpiry, OfflineExpiries } from './offline/expiry.ts';
import { OfflineInbox } from './offline/inbox.ts';
import { Reminder } from './offline/reminder.ts';
import { WatchedStore } from './objects/watched-store.ts';
import { type Followed, Follower } from './publish/follower.ts';
import { Leadership } from './publish/leadership.ts';
import type { MassProgress } from './publish/mass.ts';
import { type OfflineOffer, recordedOffline } from './publish/offline.ts';
import type { PendingPublication } from './publish/publications.ts';
import { Publisher } from './publish/publisher.ts';
import { RoleTable } from './publish/role-table.ts';
import { loadRoots } from './publish/roots.ts';
import { Scrubber } from './publish/scrub.ts';
import { SigningLoop } from './publish/signing-loop.ts';
import { Sweeper } from './publish/sweep.ts';
import type { Records, Shared } from './records/records.ts';
import { assertNotBehind, repairTopLevel } from './repair.ts';
import type { Held } from './single-writer.ts';
import type { Tracer } from './tracing/tracer.ts';
import { ProjectTransactions } from './transactions/project-transactions.ts';
import { type Watch, watchTraced, watchWith } from './watch.ts';

export interface IndexParts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly config: IndexConfig;
  /** All online keys of the index; undefined in a process that never signs. */
  readonly signers: readonly Signer[] | undefined;
  readonly held?: Held;
  /** When the offline keys are to sign next, where that is known. */
  readonly nextSigning?: () => Promise<Date | undefined>;
  readonly metrics?: Metrics;
  readonly tracer?: Tracer | undefined;
  readonly clock: () => Date;
  readonly random?: () => number;
  readonly logger: Logger;
  /** For an index that is being made. */
  readonly first?: OfflineOffer;
  /** As in `SigningParts`. */
  readonly onMass?: ((progress: MassProgress) => void) | undefined;
  readonly massFrom?: number | undefined;
}

/** What is not heard is looked for this often, in milliseconds. */
const POLL_MS = 1_000;

/** Milliseconds after which a process that does not lead knows that another one lives. */
const ALONE_MS = 4_000;

/** What runs only in the process that signs. */
interface Signing {
  readonly loop: SigningLoop;
  readonly inbox: OfflineInbox;
  readonly reminder: Reminder;
  readonly sweeper: Sweeper;
  readonly scrubber: Promise<Scrubber>;
}

/** An index that this process serves, and perhaps signs. */
export class OpenIndex {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly publisher: Publisher;
  readonly catalog: Catalog;
  readonly accounts: Accounts;
  readonly accountKeys: AccountKeys;
  readonly transactions: ProjectTransactions;
  readonly metadata: PublishedMetadata;
  readonly metrics: Metrics;
  readonly probes: ReadonlyMap<string, Probe>;
  readonly #parts: IndexParts;
  readonly #table: RoleTable;
  readonly #watch: Watch;
  readonly #follower: Follower;
  readonly #expiries: OfflineExpiries;
  #signing: Signing | undefined;
  #leadership: Leadership | undefined;
  #poll: NodeJS.Timeout | undefined;
  /** What was abandoned, and waits for its last answers. */
  #ending: Promise<unknown> = Promise.resolve();
  #opened = false;
  #stopped = false;
  #failedAt: Date | undefined;
  #closing: Promise<void> | undefined;

  static async start(parts: IndexParts): Promise<OpenIndex> {
    const { records, first } = parts;
    const roots = first ? [] : await loadRoots(records);
    const table = await RoleTable.load(records);
    const index = new OpenIndex(parts, table);
    index.metadata.root = roots.findLast(({ publication }) => publication <= table.newest)?.bytes ?? new Uint8Array();
    try {
      if (records.shared) await index.#share(records.shared);
      else await index.#lead(records);
      if (first) await index.importOffline(first);
    } catch (error) {
      await index.stop();
      throw error;
    }
    index.#opened = true;
    return index;
  }

  private constructor(parts: IndexParts, table: RoleTable) {
    const { records, clock, logger } = parts;
    this.#parts = parts;
    this.#table = table;
    this.records = records;
    this.metrics = parts.metrics ?? new Metrics();
    this.#watch = watchTraced(watchWith(this.metrics), parts.tracer, (changes) => this.publisher.tracesOf(changes));
    this.objects = new WatchedStore(parts.objects, this.#watch);
    this.catalog = new Catalog(records);
    this.#expiries = new OfflineExpiries(records.read, clock);
    this.accounts = new Accounts(records, clock);
    this.accountKeys = new AccountKeys(records, clock);
    this.metadata = new PublishedMetadata(this.objects, table, new Uint8Array(), records);
    this.metrics.cache('roles', this.metadata.counts);
    this.metrics.cache('coded', this.metadata.codedCounts);
    const watch = this.#watch;
    this.publisher = new Publisher({ records, table, clock, watch, onWaiting: () => this.#signing?.loop.wake() });
    this.transactions = new ProjectTransactions({
      records,
      objects: this.objects,
      clock,
      untilPublished: (change) => this.publisher.untilPublished(change),
      nextSigning: () => this.nextSigning(),
      waitingMs: waitingMs(parts.config),
    });
    this.#follower = new Follower({ records, table, logger, onFollowed: (followed) => this.#followed(followed) });
    this.probes = this.#observe();
  }

  /** When the offline keys are to sign next, where the operators said so and it is to come. */
  async nextSigning(): Promise<Date | undefined> {
    const next = await this.#parts.nextSigning?.();
    return next && next > this.#parts.clock() ? next : undefined;
  }

  /** Roles of offline keys that expire soon: what people who look are told. */
  expiringSoon(): Promise<readonly OfflineExpiry[]> {
    return this.#expiries.near();
  }

  /** Whether this process signs now. */
  get leads(): boolean {
    return this.#signing !== undefined;
  }

  /** Under which term this or another process signs; undefined where no other could. */
  get term(): number | undefined {
    return this.#leadership?.lastTerm;
  }

  /**
   * Puts what was prepared before, signs what waits and what is due; resolves when everything is visible. In a process that
   * stands by: resolves when it knows what is published now.
   */
  catchUp(): Promise<void> {
    return this.#signing ? this.#signing.loop.catchUp() : this.#follower.catchUp();
  }

  /**
   * Publishes offline metadata that its holders signed, in one publication: the next root, the next targets, roles of the offline trees.
   * Whatever replaced keys signed is signed anew in it; projects whose standing changes move from tree to tree.
   * @throws MetadataRefusedError, OnlineKeyError, StandingByError — nothing was changed
   */
  async importOffline(offer: OfflineOffer): Promise<void> {
    if (!this.#signing) throw new StandingByError();
    await this.#signing.loop.importOffline(offer);
  }

  /** Publishes the files that an import brought into the records. @throws StandingByError */
  async publishImported(): Promise<number> {
    if (!this.#signing) throw new StandingByError();
    return await this.#signing.loop.publishImported();
  }

  /** Takes no more changes and signs no more; another process may at once. What is published is served on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#poll);
    await this.#leadership?.close();
    await this.#standBy();
    this.publisher.close();
  }

  /** Ends once, however often it is asked to. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.stop();
    await this.records.close();
    await this.#parts.held?.release();
  }

  /** Other processes write the same records: one of them signs, all learn what it publishes. */
  async #share({ lease, onNews }: Shared): Promise<void> {
    const hear = (): void => {
      if (this.#signing) this.#signing.loop.wake();
      else if (!this.#stopped) this.#follower.look();
    };
    onNews(hear);
    this.#poll = setInterval(hear, POLL_MS).unref();
    await lease.look(); // From here on news is heard.
    if (!this.#parts.signers) return this.#follower.catchUp();
    this.#leadership = await Leadership.begin({
      lease,
      holder: `${hostname()} ${process.pid}`,
      logger: this.#parts.logger,
      onLead: (records) => this.#lead(records),
      onLost: () => this.#abandon(),
      onEnd: () => this.#standBy(),
    });
    if (this.#parts.config.stores.objects !== undefined || this.leads) return;
    // Objects in its own directory: no other process has them, so it cannot stand by. One that was killed falls silent.
    await wait(ALONE_MS);
    if (!this.leads) throw new IndexInUseError(this.#parts.config.stores.records ?? '');
  }

  /** Begins to sign. Who takes over in the middle of everything looks for damage afterwards. */
  async #lead(records: Records): Promise<void> {
    const { first, signers = [], lifetimes } = { ...this.#parts, ...this.#parts.config };
    await this.#follower.catchUp();
    const roots = await loadRoots(records);
    const offline = first && roots.length === 0 ? undefined : await recordedOffline(records, roots);
    await assertNotBehind(records, this.objects);
    const parts = { ...this.#parts, records, objects: this.objects, table: this.#table };
    const loop = new SigningLoop(
      {
        ...parts,
        lifetimes,
        random: parts.random ?? Math.random,
        signers,
        learn: () => this.#follower.catchUp(),
        onPublished: (publication) => this.#published(publication),
        onFailed: (error) => this.#failed(error),
        watch: this.#watch,
      },
      offline,
    );
    if (!this.#opened) await repairTopLevel(records, this.objects, this.#table, roots);
    const scrub = (): Promise<Scrubber> =>
      Scrubber.start({ ...parts, onScrubbed: (looked, damaged) => this.metrics.scrubbed(looked, damaged) });
    const importOffline = (offer: OfflineOffer): Promise<number> => loop.importOffline(offer);
    const inbox = new OfflineInbox({ ...parts, importOffline });
    const catchUp = (): Promise<void> => inbox.handed.then(() => loop.catchUp());
    const scrubber = this.#opened ? catchUp().then(scrub) : scrub();
    this.#signing = {
      loop,
      scrubber,
      sweeper: new Sweeper({ ...parts, waitingMs: waitingMs(parts.config) }),
      inbox,
      reminder: new Reminder({ ...parts, expiries: this.#expiries }),
    };
    await scrubber;
    await catchUp();
    loop.keepFresh();
  }

  /** Another process signs. This one learns from it at once, also while a request of its own to the store is under way. */
  #abandon(): void {
    const signing = this.#signing;
    if (!signing) return;
    signing.loop.abandon();
    this.#signing = undefined;
    this.#ending = Promise.all([this.#ending, endSigning(signing)]);
    this.#follower.look();
  }

  /** Ends what {@link #lead} began. */
  async #standBy(): Promise<void> {
    if (this.#signing) await endSigning(this.#signing);
    this.#signing = undefined;
    await this.#ending;
  }

  #published({ id, root, projects, changes }: PendingPublication): void {
    this.#follower.published(id);
    this.metrics.published(changes.length);
    this.#failedAt = undefined;
    const requests = this.#show({
      id,
      root: root?.bytes,
      upTo: changes.reduce((most, change) => Math.max(most, change), 0),
      projects,
    });
    this.#parts.logger.info({ timestampVersion: id, changes: changes.length, requests }, 'publication');
  }

  #followed(followed: Followed): void {
    const requests = this.#show(followed);
    if (requests.length > 0) this.#parts.logger.info({ timestampVersion: followed.id, requests }, 'publication');
  }

  /** @returns the requests that waited for it */
  #show({ id, root, upTo, projects }: Followed): string[] {
    if (root) this.metadata.root = root;
    this.catalog.changed(projects);
    return this.publisher.published(upTo, id);
  }

  #failed(error: unknown): void {
    if (error instanceof SignerLostError) {
      this.#leadership?.look();
      return; // Another process publishes what waits.
    }
    const requests = this.publisher.delayed(error);
    this.#parts.logger.error({ err: error, requests }, 'publishing failed; it is tried again');
    this.metrics.publishFailed();
    this.#failedAt ??= this.#parts.clock();
  }

  #observe(): ReadonlyMap<string, Probe> {
    const observed: Observed = {
      records: this.records,
      table: this.#table,
      clock: this.#parts.clock,
      offline: () => this.#expiries.list(),
      signer: () => ({ leads: this.leads, ...(this.term !== undefined && { term: this.term }) }),
    };
    observeIndex(this.metrics, observed);
    const failedAt = (): Date | undefined => (this.leads ? this.#failedAt : undefined);
    const { timestamp: timestampLifetime } = this.#parts.config.lifetimes;
    return probesOf({ ...observed, objects: this.objects, timestampLifetime, failedAt });
  }
}

const waitingMs = ({ waitingDays = WAITING_DAYS }: IndexConfig): number => waitingDays * 86_400_000;

async function endSigning({ loop, inbox, reminder, scrubber, sweeper }: Signing): Promise<void> {
  const taking = Promise.all([inbox.close(), reminder.close()]);
  await sweeper.close();
  await loop.close();
  await taking;
  await scrubber.then(
    (begun) => begun.close(),
    () => {}, // It never began.
  );
}

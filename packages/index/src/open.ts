import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Signer } from '@holdfast/tuf';
import { type LocalSigner, readKeyFile, writeFileAtomic, writeKeyFile } from '@holdfast/tuf/node';
import { type Logger, pino } from 'pino';
import { Accounts } from './accounts/accounts.ts';
import { Catalog } from './catalog.ts';
import { type IndexConfig, makeConfig, parseConfig } from './config.ts';
import { DamagedIndexError, IndexExistsError, NoIndexError } from './errors.ts';
import { PublishedMetadata } from './metadata.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { hasCode } from './objects/storage-failure.ts';
import type { Lifetimes } from './publish/lifetimes.ts';
import type { Offline, OfflineOffer } from './publish/offline.ts';
import { assertUndamaged, type PendingPublication } from './publish/publications.ts';
import { Publisher } from './publish/publisher.ts';
import { loadRoots, type RootVersion } from './publish/roots.ts';
import { SigningLoop } from './publish/signing-loop.ts';
import { observeIndex } from './index-gauges.ts';
import { Metrics } from './metrics.ts';
import { WatchedStore } from './objects/watched-store.ts';
import type { Tracer } from './tracing/tracer.ts';
import { watchTraced, watchWith } from './watch.ts';
import { RoleTable } from './publish/role-table.ts';
import { Scrubber } from './publish/scrub.ts';
import { Sweeper } from './publish/sweep.ts';
import type { Records } from './records/records.ts';
import { assertNotBehind, repairTopLevel } from './repair.ts';
import { type Held, holdIndex } from './single-writer.ts';
import { openObjects, openRecords, type StoreLocations } from './stores.ts';

/** What stands in the directory of an index. */
const CONFIG = 'config.json';
const KEYS = 'keys';
const LOCK = 'serving.lock';

export interface NewIndex {
  /** Must be empty or not there. */
  readonly directory: string;
  /** Signed `1.root.json` and `1.targets.json`, from a key ceremony. */
  readonly root: Uint8Array;
  readonly targets: Uint8Array;
  /** Signs timestamp, snapshot and unclaimed. It is stored encrypted with the passphrase. */
  readonly onlineKey: LocalSigner;
  readonly passphrase: string;
  readonly lifetimes?: Partial<Lifetimes>;
  /** Of an empty database and an empty bucket. What is not said is kept in the directory. */
  readonly stores?: StoreLocations;
  readonly clock?: () => Date;
}

/**
 * Makes an index and its first publication. `config.json` is written last: a directory without it is no index. When it
 * fails, the directory is as empty as before; a database or a bucket may have to be made anew.
 * @throws IndexExistsError, InvalidLocationError, OnlineKeyError, MetadataRefusedError, StorageFullError
 */
export async function initIndex(options: NewIndex): Promise<void> {
  const { directory } = options;
  const config = makeConfig(options.lifetimes ?? {}, options.stores);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0) throw new IndexExistsError(directory);
  // Of two who make an index here at once, one makes this directory.
  await mkdir(join(directory, KEYS), { mode: 0o700 }).catch((error: unknown) => {
    throw hasCode(error, 'EEXIST') ? new IndexExistsError(directory) : error;
  });
  try {
    await fillDirectory(options, parseConfig(config));
    await writeFileAtomic(join(directory, CONFIG), new TextEncoder().encode(config));
  } catch (error) {
    const made = await readdir(directory);
    await Promise.all(made.map((name) => rm(join(directory, name), { recursive: true, force: true })));
    throw error;
  }
}

async function fillDirectory(options: NewIndex, config: IndexConfig): Promise<void> {
  const { directory, root, targets, onlineKey, passphrase } = options;
  await addOnlineKey(directory, onlineKey, passphrase);
  const records = await openRecords(directory, config.stores, () => {});
  try {
    if (await holdsIndex(records)) throw new IndexExistsError(config.stores.records ?? directory);
    const opened = await OpenIndex.start({
      records,
      objects: await openObjects(directory, config.stores),
      config,
      signers: [onlineKey],
      clock: options.clock ?? (() => new Date()),
      logger: pino({ level: 'silent' }),
      first: { root, targets },
    });
    await opened.stopSigning();
  } finally {
    await records.close();
  }
}

async function holdsIndex(records: Records): Promise<boolean> {
  return (await records.read.selectFrom('publications').select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** Stores another online key, for when root and targets name it: the steps of a key rotation. */
export async function addOnlineKey(directory: string, key: LocalSigner, passphrase: string): Promise<void> {
  await writeKeyFile(join(directory, KEYS, `${key.key.keyid}.json`), key, passphrase);
}

export interface OpenOptions {
  /** Of the online keys. */
  readonly passphrase: string;
  readonly clock?: () => Date;
  /** From 0 to 1; spreads expiry times. */
  readonly random?: () => number;
  readonly logger?: Logger;
  /** Another object store than that of the configuration. */
  readonly objects?: ObjectStore;
  /** Counts what the index does. */
  readonly metrics?: Metrics;
  /** Shows where time goes. The caller closes it, after the index. */
  readonly tracer?: Tracer | undefined;
  /** Called when this process lost the right to sign: it publishes nothing more, and should end. */
  readonly onSignerLost?: () => void;
}

/**
 * Opens an index for serving: takes it for this process alone, puts what a crash left prepared, repairs metadata objects that
 * are damaged, and signs what waits or is due.
 * @throws NoIndexError, IndexInUseError, DamagedIndexError, OnlineKeyError, KeyFileError
 */
export async function openIndex(directory: string, options: OpenOptions): Promise<OpenIndex> {
  const config = await readConfig(directory);
  const held = await holdIndex(directory, join(directory, LOCK));
  try {
    const signers = await readKeys(join(directory, KEYS), options.passphrase);
    const logger = options.logger ?? pino({ level: 'silent' });
    let index: OpenIndex | undefined;
    const metrics = options.metrics ?? new Metrics();
    const records = await openRecords(
      directory,
      config.stores,
      () => {
        logger.fatal('the right to sign is lost with the connection to the database: nothing more is published');
        void index?.stopSigning();
        options.onSignerLost?.();
      },
      watchTraced(watchWith(metrics), options.tracer),
    );
    try {
      index = await OpenIndex.start({
        records,
        objects: options.objects ?? (await openObjects(directory, config.stores)),
        config,
        signers,
        held,
        metrics,
        tracer: options.tracer,
        clock: options.clock ?? (() => new Date()),
        random: options.random ?? Math.random,
        logger,
      });
      return index;
    } catch (error) {
      await records.close();
      throw error;
    }
  } catch (error) {
    await held.release();
    throw error;
  }
}

/** The accounts of an index, also while another process serves it. The caller closes. @throws NoIndexError */
export async function openAccounts(directory: string): Promise<{ accounts: Accounts; close(): Promise<void> }> {
  const records = await openRecords(directory, (await readConfig(directory)).stores);
  return { accounts: new Accounts(records, () => new Date()), close: () => records.close() };
}

interface Parts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly config: IndexConfig;
  readonly signers: readonly Signer[];
  readonly held?: Held;
  readonly metrics?: Metrics;
  readonly tracer?: Tracer | undefined;
  readonly clock: () => Date;
  readonly random?: () => number;
  readonly logger: Logger;
  /** For an index that is being made. */
  readonly first?: Offline;
}

/** An index that this process serves. */
export class OpenIndex {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly publisher: Publisher;
  readonly catalog: Catalog;
  readonly accounts: Accounts;
  readonly metadata: PublishedMetadata;
  readonly metrics: Metrics;
  readonly #parts: Parts;
  readonly #signing: SigningLoop;
  #sweeper: Sweeper | undefined;
  #scrubber: Scrubber | undefined;
  #signs = true;
  #closing: Promise<void> | undefined;

  static async start(parts: Parts): Promise<OpenIndex> {
    const { records, objects, first } = parts;
    const roots = first ? [] : await loadRoots(records);
    const offline = first ? undefined : await recordedOffline(records, roots);
    const table = await RoleTable.load(records);
    const index = new OpenIndex(parts, table, offline);
    try {
      await assertNotBehind(records, objects);
      await repairTopLevel(records, objects, table, roots);
      index.#scrubber = await Scrubber.start({ ...parts, table });
      await index.catchUp();
      if (first) await index.importOffline(first);
      index.#signing.keepFresh();
      index.#sweeper = new Sweeper(parts);
    } catch (error) {
      await index.stopSigning();
      throw error;
    }
    return index;
  }

  private constructor(parts: Parts, table: RoleTable, offline: Offline | undefined) {
    const { records, clock, logger, signers } = parts;
    this.#parts = parts;
    this.records = records;
    this.metrics = parts.metrics ?? new Metrics();
    const watch = watchTraced(watchWith(this.metrics), parts.tracer, (changes) => this.publisher.tracesOf(changes));
    this.objects = new WatchedStore(parts.objects, watch);
    this.catalog = new Catalog(records);
    this.accounts = new Accounts(records, clock);
    this.metadata = new PublishedMetadata(this.objects, table, offline?.root ?? new Uint8Array());
    this.metrics.cache('roles', this.metadata.counts);
    observeIndex(this.metrics, {
      records,
      table,
      clock,
      offline: async () => ({ root: this.metadata.root, targets: await this.metadata.newest('targets') }),
      signer: () => ({ leads: this.#signs }),
    });
    this.publisher = new Publisher({ records, table, clock, watch, onWaiting: () => this.#signing.wake() });
    this.#signing = new SigningLoop(
      {
        records,
        objects: this.objects,
        table,
        lifetimes: parts.config.lifetimes,
        clock,
        random: parts.random ?? Math.random,
        logger,
        signers,
        onPublished: (publication) => this.#published(publication),
        onFailed: (error) => {
          const requests = this.publisher.delayed(error);
          logger.error({ err: error, requests }, 'publishing failed; it is tried again');
          this.metrics.publishFailed();
        },
        watch,
      },
      offline,
    );
  }

  #published({ id, root, projects, changes }: PendingPublication): void {
    if (root) this.metadata.root = root.bytes;
    this.catalog.changed(projects);
    this.metrics.published(changes.length);
    const requests = this.publisher.published(Math.max(0, ...changes), id);
    this.#parts.logger.info({ timestampVersion: id, changes: changes.length, requests }, 'publication');
  }

  /** Puts what was prepared before, signs what waits and what is due; resolves when everything is visible. */
  catchUp(): Promise<void> {
    return this.#signing.catchUp();
  }

  /**
   * Publishes offline metadata that its holders signed: the next root, the next targets, or both, in one publication.
   * Whatever replaced keys signed is signed anew in it.
   * @throws MetadataRefusedError, OnlineKeyError — nothing was changed
   */
  async importOffline(offer: OfflineOffer): Promise<void> {
    await this.#signing.importOffline(offer);
  }

  /** Ends once, however often it is asked to. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Takes no more changes and removes nothing any more; what is published is served on. */
  async stopSigning(): Promise<void> {
    this.#signs = false;
    await this.#sweeper?.close();
    await this.#scrubber?.close();
    await this.#signing.close();
    this.publisher.close();
  }

  async #close(): Promise<void> {
    await this.stopSigning();
    await this.records.close();
    await this.#parts.held?.release();
  }
}

/** @throws DamagedIndexError when they are not what their holders signed */
async function recordedOffline(records: Records, roots: readonly RootVersion[]): Promise<Offline> {
  const root = roots.at(-1)?.bytes;
  if (!root) throw new DamagedIndexError('records', 'they hold no root');
  // As with root: what is being published comes before what is published.
  const row =
    (await records.read
      .selectFrom('prepared')
      .select(['bytes', 'sha256'])
      .where('role', '=', 'targets')
      .executeTakeFirst()) ??
    (await records.read
      .selectFrom('offline_roles')
      .innerJoin('roles', 'roles.role', 'offline_roles.role')
      .select(['offline_roles.bytes', 'roles.sha256'])
      .where('offline_roles.role', '=', 'targets')
      .executeTakeFirst());
  if (!row?.bytes) throw new DamagedIndexError('records', 'they hold no targets');
  assertUndamaged('targets', row.sha256, row.bytes);
  return { root, targets: row.bytes };
}

async function readConfig(directory: string): Promise<IndexConfig> {
  let text: string;
  try {
    text = await readFile(join(directory, CONFIG), 'utf8');
  } catch (cause) {
    throw hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR') ? new NoIndexError(directory, { cause }) : cause;
  }
  try {
    return parseConfig(text);
  } catch (cause) {
    throw new DamagedIndexError(CONFIG, 'it is not a configuration of this version', { cause });
  }
}

async function readKeys(directory: string, passphrase: string): Promise<LocalSigner[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new DamagedIndexError(KEYS, 'the directory of the online keys cannot be read', { cause });
  });
  const files = names.filter((name) => name.endsWith('.json'));
  return Promise.all(files.map((name) => readKeyFile(join(directory, name), passphrase)));
}

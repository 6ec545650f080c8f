import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublicKey } from '@holdfast/tuf';
import { generateKey, type LocalSigner, readKeyFile, writeFileAtomic, writeKeyFile } from '@holdfast/tuf/node';
import { type Logger, pino } from 'pino';
import { Accounts } from './accounts/accounts.ts';
import { type IndexConfig, makeConfig, parseConfig, withNextSigning } from './config.ts';
import {
  DamagedIndexError,
  IndexExistsError,
  NoIndexError,
  NoOtherSignerError,
  RequestedIndexError,
} from './errors.ts';
import { Metrics } from './metrics.ts';
import type { MassProgress } from './publish/mass.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { hasCode } from './objects/storage-failure.ts';
import { OpenIndex } from './open-index.ts';
import type { Lifetimes } from './publish/lifetimes.ts';
import type { Records } from './records/records.ts';
import { holdIndex } from './single-writer.ts';
import { openObjects, openRecords, type StoreLocations } from './stores.ts';
import type { Tracer } from './tracing/tracer.ts';
import { watchTraced, watchWith } from './watch.ts';

/** What stands in the directory of an index. */
export const CONFIG = 'config.json';
const KEYS = 'keys';
export const LOCK = 'serving.lock';

export interface NewIndex {
  /** Must be empty or not there, unless its online key is in it already: {@link requestIndex}. */
  readonly directory: string;
  /** Signed `1.root.json` and `1.targets.json`, from a key ceremony. */
  readonly root: Uint8Array;
  readonly targets: Uint8Array;
  /** The first roles of the trees that offline keys sign, by name, in a security model that has such. */
  readonly roles?: ReadonlyMap<string, Uint8Array>;
  /** Signs timestamp, snapshot and unclaimed. It is stored encrypted with the passphrase. Left out where it is in the directory. */
  readonly onlineKey?: LocalSigner;
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
  const found = options.onlineKey ? [] : await requestedKeys(directory, options.passphrase);
  if (options.onlineKey) await makeKeys(directory);
  try {
    if (options.onlineKey) await addOnlineKey(directory, options.onlineKey, options.passphrase);
    await fillDirectory(options, parseConfig(config), options.onlineKey ? [options.onlineKey] : found);
    await writeFileAtomic(join(directory, CONFIG), new TextEncoder().encode(config));
  } catch (error) {
    const made = (await readdir(directory)).filter((name) => name !== KEYS || options.onlineKey);
    await Promise.all(made.map((name) => rm(join(directory, name), { recursive: true, force: true })));
    throw error;
  }
}

/**
 * Begins an index whose offline keys are made elsewhere: makes its online key, and nothing else yet. {@link initIndex} completes it.
 * @returns the public half, for the ceremony
 * @throws IndexExistsError
 */
export async function requestIndex(directory: string, passphrase: string): Promise<PublicKey> {
  const online = await generateKey('ed25519');
  await makeKeys(directory);
  await addOnlineKey(directory, online, passphrase);
  return online.key;
}

/** Of two who make an index here at once, one makes this directory. */
async function makeKeys(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0) throw new IndexExistsError(directory);
  await mkdir(join(directory, KEYS), { mode: 0o700 }).catch((error: unknown) => {
    throw hasCode(error, 'EEXIST') ? new IndexExistsError(directory) : error;
  });
}

async function requestedKeys(directory: string, passphrase: string): Promise<LocalSigner[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw hasCode(cause, 'ENOENT') ? new NoIndexError(directory, { cause }) : cause;
  });
  if (names.join() !== KEYS) throw new IndexExistsError(directory);
  return readKeys(join(directory, KEYS), passphrase);
}

async function fillDirectory(options: NewIndex, config: IndexConfig, signers: readonly LocalSigner[]): Promise<void> {
  const { directory, root, targets, roles } = options;
  const records = await openRecords(directory, config.stores);
  try {
    if (await holdsIndex(records)) throw new IndexExistsError(config.stores.records ?? directory);
    const opened = await OpenIndex.start({
      records,
      objects: await openObjects(directory, config.stores),
      config,
      signers,
      clock: options.clock ?? (() => new Date()),
      logger: pino({ level: 'silent' }),
      first: { root, targets, ...(roles && { roles }) },
    });
    await opened.stop();
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
  /** Of the online keys; undefined for a process that never signs and needs no keys, beside others that do. */
  readonly passphrase: string | undefined;
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
  /** Told how far it is while many roles are signed: after an import, or for a new online key. */
  readonly onMass?: (progress: MassProgress) => void;
  /** More roles than this are signed in parts. */
  readonly massFrom?: number;
}

/**
 * Opens an index for serving: takes its directory for this process alone and, unless another process signs, puts what a crash
 * left prepared, repairs metadata objects that are damaged, and signs what waits or is due.
 * @throws NoIndexError, IndexInUseError, DamagedIndexError, OnlineKeyError, KeyFileError, NoOtherSignerError
 */
export async function openIndex(directory: string, options: OpenOptions): Promise<OpenIndex> {
  const config = await readConfig(directory);
  const held = await holdIndex(directory, join(directory, LOCK));
  try {
    const { passphrase } = options;
    const signers = passphrase === undefined ? undefined : await readKeys(join(directory, KEYS), passphrase);
    const { records: shared, objects: together } = config.stores;
    if (!signers && (shared === undefined || together === undefined)) throw new NoOtherSignerError();
    const logger = options.logger ?? pino({ level: 'silent' });
    const metrics = options.metrics ?? new Metrics();
    const watch = watchTraced(watchWith(metrics), options.tracer);
    const records = await openRecords(directory, config.stores, watch);
    try {
      return await OpenIndex.start({
        records,
        objects: options.objects ?? (await openObjects(directory, config.stores)),
        config,
        signers,
        held,
        nextSigning: async () => (await readConfig(directory)).nextSigning,
        metrics,
        tracer: options.tracer,
        clock: options.clock ?? (() => new Date()),
        random: options.random ?? Math.random,
        logger,
        onMass: options.onMass,
        massFrom: options.massFrom,
      });
    } catch (error) {
      await records.close();
      throw error;
    }
  } catch (error) {
    await held.release();
    throw error;
  }
}

/**
 * Writes down when the offline keys are to sign next: what uploaders whose files wait for that are told. A process that serves the index
 * tells it from then on. @throws NoIndexError
 */
export async function setNextSigning(directory: string, date: Date | undefined): Promise<void> {
  await readConfig(directory);
  const path = join(directory, CONFIG);
  await writeFileAtomic(path, new TextEncoder().encode(withNextSigning(await readFile(path, 'utf8'), date)));
}

/** The accounts of an index, also while another process serves it. The caller closes. @throws NoIndexError */
export async function openAccounts(directory: string): Promise<{ accounts: Accounts; close(): Promise<void> }> {
  const records = await openRecords(directory, (await readConfig(directory)).stores);
  return { accounts: new Accounts(records, () => new Date()), close: () => records.close() };
}

/** Whether a directory holds what {@link requestIndex} makes, and nothing else. */
export async function isRequested(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  return names.join() === KEYS;
}

export async function readConfig(directory: string): Promise<IndexConfig> {
  let text: string;
  try {
    text = await readFile(join(directory, CONFIG), 'utf8');
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT') && !hasCode(cause, 'ENOTDIR')) throw cause;
    throw (await isRequested(directory))
      ? new RequestedIndexError(directory, { cause })
      : new NoIndexError(directory, { cause });
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

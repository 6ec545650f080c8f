import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTargets, type Signer } from '@holdfast/tuf';
import { type LocalSigner, readKeyFile, writeFileAtomic, writeKeyFile } from '@holdfast/tuf/node';
import { type Logger, pino } from 'pino';
import { Accounts } from './accounts/accounts.ts';
import { Catalog } from './catalog.ts';
import { type IndexConfig, makeConfig, parseConfig } from './config.ts';
import { DamagedIndexError, IndexExistsError, NoIndexError } from './errors.ts';
import { allRoots, checkNextRoot, checkNextTargets, PublishedMetadata, signedByCurrentKeys } from './metadata.ts';
import { DirectoryStore } from './objects/directory-store.ts';
import type { ObjectStore } from './objects/object-store.ts';
import type { Lifetimes } from './publish/lifetimes.ts';
import { Publisher } from './publish/publisher.ts';
import { RoleTable } from './publish/role-table.ts';
import { SigningKeys } from './publish/signing-keys.ts';
import type { Records } from './records/records.ts';
import { SqliteRecords } from './records/sqlite-records.ts';
import { assertNotBehind, type RootVersion, repairMetadata } from './repair.ts';
import { type Held, holdIndex } from './single-writer.ts';

/** What stands in the directory of an index. */
const CONFIG = 'config.json';
const RECORDS = 'records.sqlite';
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
  readonly clock?: () => Date;
}

/**
 * Makes an index and its first publication. `config.json` is written last: a directory without it is no index.
 * @throws IndexExistsError, OnlineKeyError, MetadataRefusedError, StorageFullError
 */
export async function initIndex(options: NewIndex): Promise<void> {
  const { directory, root, targets, onlineKey, passphrase } = options;
  SigningKeys.from(root, targets, [onlineKey]);
  const expires = await checkNextTargets(root, 0, targets);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0) throw new IndexExistsError(directory);
  await mkdir(join(directory, KEYS), { mode: 0o700 });
  await addOnlineKey(directory, onlineKey, passphrase);
  const records = await SqliteRecords.open(join(directory, RECORDS));
  try {
    await records.write(async (db) => {
      await db.insertInto('roots').values({ version: 1, bytes: root }).execute();
    });
    const objects = await DirectoryStore.open(directory);
    const config = makeConfig(options.lifetimes ?? {});
    const opened = await OpenIndex.start({
      records,
      objects,
      config: parseConfig(config),
      signers: [onlineKey],
      clock: options.clock ?? (() => new Date()),
      logger: pino({ level: 'silent' }),
      firstTargets: { bytes: targets, expires },
    });
    await opened.publisher.close();
    await writeFileAtomic(join(directory, CONFIG), new TextEncoder().encode(config));
  } finally {
    await records.close();
  }
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
  /** Another object store than the directory's own. */
  readonly objects?: ObjectStore;
}

/**
 * Opens an index for serving: takes it for this process alone, puts what a crash left prepared, repairs metadata objects that
 * differ from the records, and signs what waits or is due.
 * @throws NoIndexError, IndexInUseError, DamagedIndexError, OnlineKeyError, KeyFileError
 */
export async function openIndex(directory: string, options: OpenOptions): Promise<OpenIndex> {
  const config = await readConfig(directory);
  const held = await holdIndex(directory, join(directory, LOCK));
  try {
    const signers = await readKeys(join(directory, KEYS), options.passphrase);
    const records = await SqliteRecords.open(join(directory, RECORDS));
    try {
      return await OpenIndex.start({
        records,
        objects: options.objects ?? (await DirectoryStore.open(directory)),
        config,
        signers,
        held,
        clock: options.clock ?? (() => new Date()),
        random: options.random ?? Math.random,
        logger: options.logger ?? pino({ level: 'silent' }),
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

/** The accounts of an index, also while another process serves it. The caller closes. @throws NoIndexError */
export async function openAccounts(directory: string): Promise<{ accounts: Accounts; close(): Promise<void> }> {
  await readConfig(directory);
  const records = await SqliteRecords.open(join(directory, RECORDS));
  return { accounts: new Accounts(records, () => new Date()), close: () => records.close() };
}

interface Parts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly config: IndexConfig;
  readonly signers: readonly Signer[];
  readonly held?: Held;
  readonly clock: () => Date;
  readonly random?: () => number;
  readonly logger: Logger;
  readonly firstTargets?: { readonly bytes: Uint8Array; readonly expires: Date };
}

/** An index that this process serves. */
export class OpenIndex {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly publisher: Publisher;
  readonly catalog: Catalog;
  readonly accounts: Accounts;
  readonly metadata: PublishedMetadata;
  readonly #parts: Parts;
  readonly #table: RoleTable;

  static async start(parts: Parts): Promise<OpenIndex> {
    const { records, firstTargets } = parts;
    const roots = await allRoots(records);
    const newest = roots.at(-1);
    if (!newest) throw new DamagedIndexError('records', 'they hold no root');
    const table = await RoleTable.load(records);
    const targets = firstTargets?.bytes ?? (await storedTargets(records));
    const index = new OpenIndex(parts, table, newest.bytes, targets);
    try {
      await index.#catchUp(roots, newest.bytes, targets);
    } catch (error) {
      await index.publisher.close();
      throw error;
    }
    return index;
  }

  async #catchUp(roots: readonly RootVersion[], root: Uint8Array, targets: Uint8Array): Promise<void> {
    const { records, objects, signers, firstTargets } = this.#parts;
    await assertNotBehind(records, objects);
    await repairMetadata(records, objects, roots);
    if (firstTargets) {
      const role = {
        role: 'targets',
        version: 1,
        expiresAt: firstTargets.expires.getTime(),
        bytes: firstTargets.bytes,
      };
      await this.publisher.importRoles([role], SigningKeys.from(root, targets, signers));
    }
    await this.publisher.catchUp();
    if (!(await signedByCurrentKeys(records, root, targets))) {
      // A crash in the middle of `importOffline`: the new keys are named, and nothing is signed with them yet.
      await this.publisher.importRoles([], SigningKeys.from(root, targets, signers));
    }
  }

  private constructor(parts: Parts, table: RoleTable, root: Uint8Array, targets: Uint8Array) {
    const { records, objects, clock, logger } = parts;
    this.#parts = parts;
    this.#table = table;
    this.records = records;
    this.objects = objects;
    this.catalog = new Catalog(records);
    this.accounts = new Accounts(records, clock);
    this.metadata = new PublishedMetadata(objects, table, root);
    this.publisher = new Publisher(
      {
        records,
        objects,
        table,
        lifetimes: parts.config.lifetimes,
        clock,
        random: parts.random ?? Math.random,
        logger,
        onPublished: () => this.catalog.changed(),
      },
      SigningKeys.from(root, targets, parts.signers),
    );
  }

  /**
   * Publishes offline metadata that its holders signed: the next root, the next targets, or both. Everything that the index
   * signs by itself is signed anew, so that replaced keys are gone from it.
   * @throws MetadataRefusedError, OnlineKeyError — nothing was changed
   */
  async importOffline({ root, targets }: { root?: Uint8Array; targets?: Uint8Array }): Promise<void> {
    const { records, objects, signers } = this.#parts;
    const rootVersion = root && (await checkNextRoot(this.metadata.root, root));
    const newRoot = root ?? this.metadata.root;
    const published = this.#table.get('targets')?.version ?? 0;
    const expires = targets && (await checkNextTargets(newRoot, published, targets));
    const newTargets = targets ?? (await storedTargets(records));
    const keys = SigningKeys.from(newRoot, newTargets, signers);
    if (root && rootVersion !== undefined) {
      await records.write(async (db) => {
        await db.insertInto('roots').values({ version: rootVersion, bytes: root }).execute();
      });
      await objects.put(`metadata/${rootVersion}.root.json`, root);
      this.metadata.root = root;
    }
    const roles =
      targets && expires
        ? [{ role: 'targets', version: published + 1, expiresAt: expires.getTime(), bytes: targets }]
        : [];
    await this.publisher.importRoles(roles, keys);
  }

  async close(): Promise<void> {
    await this.publisher.close();
    await this.records.close();
    await this.#parts.held?.release();
  }
}

async function storedTargets(records: Records): Promise<Uint8Array> {
  const row = await records.read.selectFrom('roles').select('bytes').where('role', '=', 'targets').executeTakeFirst();
  if (!row) throw new DamagedIndexError('records', 'they hold no targets');
  parseTargets(row.bytes);
  return row.bytes;
}

async function readConfig(directory: string): Promise<IndexConfig> {
  let text: string;
  try {
    text = await readFile(join(directory, CONFIG), 'utf8');
  } catch (cause) {
    throw new NoIndexError(directory, { cause });
  }
  try {
    return parseConfig(text);
  } catch (cause) {
    throw new DamagedIndexError(CONFIG, 'it is not a configuration of this version', { cause });
  }
}

async function readKeys(directory: string, passphrase: string): Promise<LocalSigner[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.json'));
  return Promise.all(files.map((name) => readKeyFile(join(directory, name), passphrase)));
}

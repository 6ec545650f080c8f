import {
  LengthMismatchError,
  MemoryMetadataStore,
  MemoryRepositoryStorage,
  type MetadataFetcher,
  type MetadataStore,
  NotFoundError,
  type PublicKey,
  Repository,
  type RepositoryOptions,
  type RepositoryStorage,
  type Signer,
  signMetadata,
  snapshotJson,
  targetsJson,
  timestampJson,
  type TopLevelRole,
  Updater,
} from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import { DAY_MS, NOW } from './repository.ts';

/** What a web server in front of a repository's storage does. */
export class StorageFetcher implements MetadataFetcher {
  readonly requests: string[] = [];
  private readonly storage: RepositoryStorage;

  constructor(storage: RepositoryStorage) {
    this.storage = storage;
  }

  async fetch(path: string, { maxLength }: { readonly maxLength: number }): Promise<Uint8Array> {
    this.requests.push(path);
    const bytes = await this.storage.read(`metadata/${path.split('/').map(decodeURIComponent).join('/')}`);
    if (bytes === undefined) throw new NotFoundError(path);
    if (bytes.length > maxLength) throw new LengthMismatchError(path, maxLength, undefined);
    return bytes;
  }
}

/** A client of a repository's storage; with a store of its own it remembers. */
export function reader(
  storage: RepositoryStorage,
  trustedRoot: Uint8Array,
  options: { store?: MetadataStore; now?: Date } = {},
): Updater {
  const { store = new MemoryMetadataStore(), now = NOW } = options;
  return new Updater({ trustedRoot, fetcher: new StorageFetcher(storage), store, clock: () => now });
}

/** Counts what passes through to another storage. */
export class CountingStorage extends MemoryRepositoryStorage {
  reads: string[] = [];
  writes: string[] = [];

  override async read(path: string): Promise<Uint8Array | undefined> {
    this.reads.push(path);
    return super.read(path);
  }

  override async create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    this.writes.push(path);
    return super.create(path, bytes);
  }

  override async replace(path: string, bytes: Uint8Array): Promise<void> {
    this.writes.push(path);
    return super.replace(path, bytes);
  }

  forget(): void {
    this.reads = [];
    this.writes = [];
  }
}

export type Keys = Record<TopLevelRole, LocalSigner>;

export async function makeKeys(): Promise<Keys> {
  const [root, timestamp, snapshot, targets] = await Promise.all(
    Array.from({ length: 4 }, () => generateKey('ed25519')),
  );
  if (!root || !timestamp || !snapshot || !targets) throw new Error('four keys were made');
  return { root, timestamp, snapshot, targets };
}

export const by = (...signers: readonly Signer[]): { keys: readonly PublicKey[]; threshold: number } => ({
  keys: signers.map(({ key }) => key),
  threshold: signers.length,
});

export function rolesBy(keys: Keys): Record<TopLevelRole, ReturnType<typeof by>> {
  return { root: by(keys.root), timestamp: by(keys.timestamp), snapshot: by(keys.snapshot), targets: by(keys.targets) };
}

export interface Made {
  readonly keys: Keys;
  readonly storage: RepositoryStorage;
  readonly repository: Repository;
  readonly root: Uint8Array;
  /** Opens it as another process would, with these signers. */
  reopen(signers?: readonly Signer[], options?: Partial<RepositoryOptions>): Promise<Repository>;
}

/** A new repository with one key for each top-level role. */
export async function make(
  storage: RepositoryStorage = new MemoryRepositoryStorage(),
  options: Partial<RepositoryOptions> = {},
): Promise<Made> {
  const keys = await makeKeys();
  const signers = Object.values(keys);
  const repository = await Repository.create({ storage, clock: () => NOW, signers, roles: rolesBy(keys), ...options });
  const { root } = repository;
  const reopen: Made['reopen'] = (others = signers, more = {}) =>
    Repository.open({ storage, clock: () => NOW, ...options, ...more, signers: others, trustedRoot: root });
  return { keys, storage, repository, root, reopen };
}

export const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** The highest version that JSON numbers hold, less one: what an attacker with stolen keys drives a version up to. */
export const ENORMOUS = 2 ** 53 - 2;

/** What a thief of the keys puts into a repository: every version as high as it goes. */
export async function forge(storage: RepositoryStorage, stolen: Keys, now: Date): Promise<void> {
  const [version, expires] = [ENORMOUS, new Date(now.getTime() + DAY_MS)];
  const meta = new Map([['targets.json', { version }]]);
  const files = {
    [`${version}.targets`]: [targetsJson({ version, expires, targets: new Map() }), stolen.targets],
    [`${version}.snapshot`]: [snapshotJson({ version, expires, meta }), stolen.snapshot],
    timestamp: [timestampJson({ version, expires, snapshot: { version } }), stolen.timestamp],
  } as const;
  for (const [name, [json, signer]] of Object.entries(files))
    await storage.replace(`metadata/${name}.json`, await signMetadata(json, [signer]));
}

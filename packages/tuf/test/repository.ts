import {
  addSignature,
  type DelegatedRole,
  type Delegations,
  type JsonObject,
  LengthMismatchError,
  type MetaFile,
  type MetadataFetcher,
  NetworkError,
  NotFoundError,
  type PublicKey,
  rootJson,
  type Signer,
  signMetadata,
  snapshotJson,
  type SuccinctRoles,
  type TargetFile,
  targetsJson,
  timestampJson,
  type TopLevelRole,
} from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';

export const NOW = new Date('2026-11-21T12:00:00Z');
export const DAY_MS = 86_400_000;
export const later = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);
export const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
export const emptyFile = (length = 0): TargetFile => ({ length, hashes: new Map([['sha256', SHA256_OF_NOTHING]]) });

export interface RoleContent {
  targets?: ReadonlyMap<string, TargetFile>;
  delegations?: Delegations;
  signers: readonly Signer[];
  version?: number;
  expires?: Date;
  extra?: JsonObject;
}

/** A repository in memory that the tests change and publish; `files` is what a web server would offer. */
export class TestRepository implements MetadataFetcher {
  readonly files = new Map<string, Uint8Array>();
  readonly requests: string[] = [];
  readonly roles = new Map<string, RoleContent>();
  consistentSnapshot = true;
  signers: Record<TopLevelRole, readonly LocalSigner[]>;
  thresholds: Record<TopLevelRole, number> = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };
  versions = { root: 0, timestamp: 0, snapshot: 0 };
  expires = { root: later(365), timestamp: later(1), snapshot: later(7) };
  withHashes = false;
  extra: JsonObject = new Map();
  /** Entries of the snapshot besides those of the roles. */
  readonly extraMeta = new Map<string, MetaFile>();
  unreachable = false;
  private previousRootSigners: readonly LocalSigner[] = [];

  private constructor(signers: Record<TopLevelRole, readonly LocalSigner[]>) {
    this.signers = signers;
    this.roles.set('targets', { signers: signers.targets });
  }

  static async create(): Promise<TestRepository> {
    const [root, timestamp, snapshot, targets] = await Promise.all([key(), key(), key(), key()]);
    const repository = new TestRepository({
      root: [root],
      timestamp: [timestamp],
      snapshot: [snapshot],
      targets: [targets],
    });
    await repository.publishRoot();
    await repository.publish();
    return repository;
  }

  get rootBytes(): Uint8Array {
    return this.file('1.root.json');
  }

  file(path: string): Uint8Array {
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new Error(`no ${path}`);
    return bytes;
  }

  async publishRoot(
    signers: readonly Signer[] = [...this.previousRootSigners, ...this.signers.root],
  ): Promise<Uint8Array> {
    const roleKeys = (role: TopLevelRole) => ({
      keyids: this.signers[role].map(({ key }) => key.keyid),
      threshold: this.thresholds[role],
    });
    const signed = rootJson({
      version: ++this.versions.root,
      expires: this.expires.root,
      consistentSnapshot: this.consistentSnapshot,
      keys: uniqueKeys(Object.values(this.signers).flat()),
      roles: {
        root: roleKeys('root'),
        timestamp: roleKeys('timestamp'),
        snapshot: roleKeys('snapshot'),
        targets: roleKeys('targets'),
      },
      extra: this.extra,
    });
    let bytes = await signMetadata(signed, []);
    for (const signer of signers) bytes = await addSignature(bytes, signer);
    this.previousRootSigners = this.signers.root;
    this.files.set(`${this.versions.root}.root.json`, bytes);
    return bytes;
  }

  /** Signs roles, snapshot and timestamp anew. Roles without a version of their own get the snapshot's. */
  async publish(): Promise<void> {
    this.versions.snapshot++;
    this.versions.timestamp++;
    const meta = new Map<string, MetaFile>();
    for (const [role, content] of this.roles) {
      const version = content.version ?? this.versions.snapshot;
      const signed = targetsJson({
        version,
        expires: content.expires ?? later(90),
        targets: content.targets ?? new Map(),
        delegations: content.delegations,
        extra: content.extra ?? new Map(),
      });
      const bytes = await signMetadata(signed, content.signers);
      this.files.set(this.versioned(role, version), bytes);
      meta.set(`${role}.json`, await this.metaFile(version, bytes));
    }
    await this.publishSnapshot(new Map([...meta, ...this.extraMeta]));
  }

  async publishSnapshot(meta: ReadonlyMap<string, MetaFile>): Promise<void> {
    const { version, expires } = { version: this.versions.snapshot, expires: this.expires.snapshot };
    const bytes = await signMetadata(snapshotJson({ version, expires, meta }), this.signers.snapshot);
    this.files.set(this.versioned('snapshot', version), bytes);
    await this.publishTimestamp(await this.metaFile(version, bytes));
  }

  async publishTimestamp(snapshot: MetaFile): Promise<void> {
    const signed = timestampJson({ version: this.versions.timestamp, expires: this.expires.timestamp, snapshot });
    this.files.set('timestamp.json', await signMetadata(signed, this.signers.timestamp));
  }

  async fetch(path: string, { maxLength }: { maxLength: number }): Promise<Uint8Array> {
    this.requests.push(path);
    if (this.unreachable) throw new NetworkError(path, 'the test pulled the plug');
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new NotFoundError(path);
    if (bytes.length > maxLength) throw new LengthMismatchError(path, maxLength, undefined);
    return bytes;
  }

  private versioned(role: string, version: number): string {
    return `${this.consistentSnapshot ? `${version}.` : ''}${encodeURIComponent(role)}.json`;
  }

  private async metaFile(version: number, bytes: Uint8Array): Promise<MetaFile> {
    if (!this.withHashes) return { version };
    const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes));
    return { version, length: bytes.length, hashes: new Map([['sha256', Buffer.from(digest).toString('hex')]]) };
  }
}

export function key(): Promise<LocalSigner> {
  return generateKey('ed25519');
}

export function uniqueKeys(signers: readonly Signer[]): readonly PublicKey[] {
  return [...new Map(signers.map(({ key }) => [key.keyid, key])).values()];
}

export type RoleInput = Partial<DelegatedRole> & { name: string; signer: Signer };

/** Delegations with one key each. */
export function delegate(...roles: readonly RoleInput[]): Delegations {
  return {
    keys: new Map(roles.map(({ signer }) => [signer.key.keyid, signer.key])),
    roles: roles.map(({ signer, ...role }) => {
      const common = { keyids: [signer.key.keyid], threshold: 1, terminating: false, ...role };
      return role.pathHashPrefixes === undefined ? { paths: ['*'], ...common } : common;
    }),
  };
}

export function delegateBins(signer: Signer, bins: Pick<SuccinctRoles, 'bitLength' | 'namePrefix'>): Delegations {
  return {
    keys: new Map([[signer.key.keyid, signer.key]]),
    roles: [],
    succinct: { ...bins, keyids: [signer.key.keyid], threshold: 1 },
  };
}

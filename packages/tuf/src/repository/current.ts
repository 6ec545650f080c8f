import { equalBytes } from '../bytes.ts';
import { verifyContent } from '../client/digests.ts';
import { TrustedSet } from '../client/trusted-set.ts';
import { FormatError, MismatchError, NotDelegatedError, NotFoundError } from '../errors.ts';
import type { Delegations, Metadata, Root, Snapshot, Targets, Timestamp } from '../model.ts';
import { parseTargets } from '../parse/targets.ts';
import { rotationName } from '../rotation/name.ts';
import { verifySignatures } from '../verify.ts';
import { rolePath, TIMESTAMP_PATH } from './layout.ts';
import { delegatedNeed } from './need.ts';
import { Rotations } from './rotations.ts';
import type { RepositoryStorage } from './storage.ts';

/** Nothing has expired by then: a repository is opened in order to renew it. */
export const LONG_AGO = new Date(-8_640_000_000_000_000);

/** What a repository serves, verified from a trusted root as a client does it, except for expiry. */
export class Current {
  readonly storage: RepositoryStorage;
  readonly set: TrustedSet;
  private readonly roles = new Map<string, Metadata<Targets>>();

  private constructor(storage: RepositoryStorage, set: TrustedSet) {
    this.storage = storage;
    this.set = set;
  }

  /** @throws TufError when the storage does not hold what clients with this root could follow */
  static async load(storage: RepositoryStorage, trustedRoot: Uint8Array): Promise<Current> {
    const set = await TrustedSet.create(trustedRoot, LONG_AGO);
    for (;;) {
      const next = await storage.read(rolePath('root', set.root.signed.version + 1));
      if (next === undefined) break;
      await set.updateRoot(next);
    }
    const versioned = set.root.signed.consistentSnapshot;
    const timestamp = await readFile(storage, TIMESTAMP_PATH);
    await set.updateTimestamp(timestamp);
    const { version } = set.checkTimestampFresh().snapshotMeta;
    const snapshot = await readFile(storage, versioned ? rolePath('snapshot', version) : 'metadata/snapshot.json');
    await set.updateSnapshot(snapshot);
    await set.checkSnapshotCurrent();
    const targets = versioned ? rolePath('targets', set.roleMeta('targets').version) : 'metadata/targets.json';
    const current = new Current(storage, set);
    await current.followRotations(set);
    await set.updateRole(await readFile(storage, targets), 'targets', 'root');
    return current;
  }

  get root(): Root {
    return this.set.root.signed;
  }

  get timestamp(): Metadata<Timestamp> {
    if (this.set.timestamp === undefined) throw new Error('a repository is loaded with its timestamp');
    return this.set.timestamp;
  }

  get snapshot(): Metadata<Snapshot> {
    if (this.set.snapshot === undefined) throw new Error('a repository is loaded with its snapshot');
    return this.set.snapshot;
  }

  /** The version of any role that is served; 0 for a role that never was. */
  version(role: string): number {
    if (role === 'root') return this.root.version;
    if (role === 'timestamp') return this.timestamp.signed.version;
    if (role === 'snapshot') return this.snapshot.signed.version;
    return this.snapshot.signed.meta.get(`${role}.json`)?.version ?? 0;
  }

  get targets(): Metadata<Targets> {
    if (this.set.targets === undefined) throw new Error('a repository is loaded with its targets');
    return this.set.targets;
  }

  /**
   * A delegated role as it is served, read at most once, if it is signed as these delegations ask.
   * @throws TufError otherwise
   */
  async role(name: string, delegations: Delegations | undefined): Promise<Metadata<Targets>> {
    const need = delegatedNeed(delegations, name);
    if (need === undefined) throw new NotDelegatedError(name, name);
    const { keys, roleKeys } = await new Rotations(this).need(need, name);
    const metadata = this.roles.get(name) ?? (await this.readRole(name));
    await verifySignatures(metadata, keys, roleKeys, name);
    this.roles.set(name, metadata);
    return metadata;
  }

  /** Those of targets itself (TAP 8), as its readers follow them. */
  async followRotations(set: TrustedSet): Promise<void> {
    for (let next = set.nextRotation('targets', 'root'); next !== undefined; next = set.nextRotation('targets', 'root'))
      await set.updateRotation(await this.read(`metadata/${rotationName('targets', next.version)}`), 'targets', 'root');
  }

  /** @throws NotFoundError */
  read(path: string): Promise<Uint8Array> {
    return readFile(this.storage, path);
  }

  private async readRole(name: string): Promise<Metadata<Targets>> {
    const meta = this.set.roleMeta(name);
    const bytes = await readFile(
      this.storage,
      this.root.consistentSnapshot ? rolePath(name, meta.version) : `metadata/${name}.json`,
    );
    await verifyContent(name, bytes, meta);
    const metadata = parseTargets(bytes);
    if (metadata.signed.version !== meta.version) throw new MismatchError(name, meta.version, metadata.signed.version);
    return metadata;
  }

  /** What is served must still be what was loaded, or it must be loaded again. */
  async isStale(): Promise<boolean> {
    const next = await this.storage.read(rolePath('root', this.root.version + 1));
    const timestamp = await this.storage.read(TIMESTAMP_PATH);
    return next !== undefined || timestamp === undefined || !equalBytes(timestamp, this.timestamp.bytes);
  }

  /** @throws FormatError for a repository without consistent snapshots (§6.2): it can be read, but not changed safely */
  checkWritable(): void {
    if (!this.root.consistentSnapshot)
      throw new FormatError('signed.consistent_snapshot', 'is false: readers would meet half of a publication');
  }
}

async function readFile(storage: RepositoryStorage, path: string): Promise<Uint8Array> {
  const bytes = await storage.read(path);
  if (bytes === undefined) throw new NotFoundError(path);
  return bytes;
}

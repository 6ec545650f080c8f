import { equalBytes } from '../bytes.ts';
import { NetworkError, RollbackError, SupersededError, TufError } from '../errors.ts';
import type { Metadata, TopLevelRole } from '../model.ts';
import { parseSnapshot, parseTimestamp } from '../parse/meta.ts';
import { verifySignatures } from '../verify.ts';
import type { MetadataFetcher, MetadataStore, UpdaterLimits } from './ports.ts';
import { encodeRoleName } from './role-name.ts';
import { followRemoteRoots, followStoredRoots, rootName, storeNewestRoot } from './roots.ts';
import { TrustedSet, type VerifiedRole } from './trusted-set.ts';

/** The last timestamp that this refresh knows to be in the store. */
interface Seen {
  timestamp: Uint8Array | undefined;
}

export interface Outcome {
  readonly set: TrustedSet;
  readonly offline: boolean;
}

/** Each attempt loses only against a process that has just finished one. */
const MAX_ATTEMPTS = 5;

/** The client workflow (§5) with its I/O: what is fetched, what is read from the store, what is written back. */
export class Workflow {
  private readonly fetcher: MetadataFetcher;
  private readonly store: MetadataStore;
  private readonly limits: UpdaterLimits;
  private readonly allowOffline: boolean;
  private readonly signal: AbortSignal | undefined;

  constructor(
    fetcher: MetadataFetcher,
    store: MetadataStore,
    limits: UpdaterLimits,
    allowOffline: boolean,
    signal: AbortSignal | undefined,
  ) {
    this.fetcher = fetcher;
    this.store = store;
    this.limits = limits;
    this.allowOffline = allowOffline;
    this.signal = signal;
  }

  /**
   * Root, timestamp, snapshot, targets, in this order (§5.3 to §5.6). Begins anew when another process has moved the
   * store on meanwhile: its newer snapshot would make ours look like a rollback.
   */
  async refresh(trustedRoot: Uint8Array, referenceTime: Date): Promise<Outcome> {
    for (let attempt = 1; ; attempt++) {
      const seen: Seen = { timestamp: undefined };
      try {
        return await this.refreshOnce(trustedRoot, referenceTime, seen);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !(await this.isSuperseded(error, seen))) throw error;
      }
    }
  }

  private async refreshOnce(trustedRoot: Uint8Array, referenceTime: Date, seen: Seen): Promise<Outcome> {
    const set = await TrustedSet.create(trustedRoot, referenceTime);
    await followStoredRoots(set, this.store);
    const rootsUnreached = await this.unlessOffline(() =>
      followRemoteRoots(set, this.store, this.fetcher, this.limits, this.signal),
    );
    await storeNewestRoot(set, this.store);
    // §5.3.10
    set.checkRootFresh();
    const unreached = await this.loadTimestamp(set, rootsUnreached, seen);
    await this.loadSnapshot(set, unreached);
    await this.loadRole(set, 'targets', 'root', unreached);
    return { set, offline: unreached !== undefined };
  }

  private async isSuperseded(error: unknown, seen: Seen): Promise<boolean> {
    if (error instanceof SupersededError) return true;
    if (!(error instanceof RollbackError)) return false;
    const stored = await this.store.read('timestamp.json');
    return stored !== undefined && (seen.timestamp === undefined || !equalBytes(stored, seen.timestamp));
  }

  /** §5.6.1 to §5.6.6 for one role and one parent: from the store if that is still current, else fetched. */
  async loadRole(set: TrustedSet, role: string, parent: string, unreached?: NetworkError): Promise<VerifiedRole> {
    const known = set.verifiedRole(role, parent);
    if (known !== undefined) return known;
    const { version, length = this.limits.targetsBytes } = set.roleMeta(role);
    const name = `${role}.json`;
    const stored = await this.store.read(name);
    if (stored !== undefined) {
      const verified = await refusedAsUndefined(() => set.updateRole(stored, role, parent));
      if (verified !== undefined) return verified;
    }
    if (unreached !== undefined) throw unreached;
    const prefix = set.root.signed.consistentSnapshot ? `${version}.` : '';
    const bytes = await this.fetch(`${prefix}${encodeRoleName(role)}.json`, Math.min(length, this.limits.targetsBytes));
    const verified = await set.updateRole(bytes, role, parent);
    // §5.6.6
    await this.store.write(name, bytes);
    return verified;
  }

  /** §5.4 */
  private async loadTimestamp(
    set: TrustedSet,
    rootsUnreached: NetworkError | undefined,
    seen: Seen,
  ): Promise<NetworkError | undefined> {
    const stored = await this.store.read('timestamp.json');
    seen.timestamp = stored;
    if (stored !== undefined) await refusedAsUndefined(() => set.updateTimestamp(stored));
    const unreached =
      rootsUnreached ??
      (await this.unlessOffline(async () => {
        const bytes = await this.fetch('timestamp.json', this.limits.timestampBytes);
        if (!(await set.updateTimestamp(bytes))) return;
        // §5.4.4 comes before §5.4.5: what has expired is not kept.
        set.checkTimestampFresh();
        await this.persist(set, 'timestamp', stored, bytes);
        seen.timestamp = bytes;
      }));
    if (unreached !== undefined && set.timestamp === undefined) throw unreached;
    set.checkTimestampFresh();
    return unreached;
  }

  /** §5.5 */
  private async loadSnapshot(set: TrustedSet, unreached: NetworkError | undefined): Promise<void> {
    const { snapshotMeta } = set.checkTimestampFresh();
    const stored = await this.store.read('snapshot.json');
    if (stored !== undefined) {
      const current = await refusedAsUndefined(async () => {
        await set.updateSnapshot(stored, 'cache');
        return set.checkSnapshotCurrent();
      });
      if (current !== undefined) return;
    }
    if (unreached !== undefined) throw unreached;
    const prefix = set.root.signed.consistentSnapshot ? `${snapshotMeta.version}.` : '';
    const length = Math.min(snapshotMeta.length ?? this.limits.snapshotBytes, this.limits.snapshotBytes);
    const bytes = await this.fetch(`${prefix}snapshot.json`, length);
    await set.updateSnapshot(bytes);
    await set.checkSnapshotCurrent();
    await this.persist(set, 'snapshot', stored, bytes);
  }

  /**
   * §5.4.5, §5.5.7. Another process may have stored something since we looked: what is verified and newer stays, and
   * nothing is written by a process that still trusts an older root than the store.
   * @throws SupersededError then
   */
  private async persist(
    set: TrustedSet,
    role: 'timestamp' | 'snapshot',
    seen: Uint8Array | undefined,
    bytes: Uint8Array,
  ): Promise<void> {
    const name = `${role}.json`;
    await this.store.lock(async () => {
      if ((await this.store.read(rootName(set.root.signed.version + 1))) !== undefined)
        throw new SupersededError('root');
      const current = await this.store.read(name);
      const changed = current !== undefined && (seen === undefined || !equalBytes(current, seen));
      if (changed && (await isNewer(set, role, current))) throw new SupersededError(role);
      await this.store.write(name, bytes);
    });
  }

  /** A NetworkError is returned instead of thrown where unexpired metadata of the store may stand in. */
  private async unlessOffline(fetchAll: () => Promise<void>): Promise<NetworkError | undefined> {
    try {
      await fetchAll();
      return undefined;
    } catch (error) {
      if (error instanceof NetworkError && this.allowOffline) return error;
      throw error;
    }
  }

  private async fetch(path: string, maxLength: number): Promise<Uint8Array> {
    return this.fetcher.fetch(path, { maxLength, ...(this.signal === undefined ? {} : { signal: this.signal }) });
  }
}

/** Stored metadata that is damaged, superseded or expired is no failure: it is fetched anew. */
async function refusedAsUndefined<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof TufError) return undefined;
    throw error;
  }
}

async function isNewer(set: TrustedSet, role: 'timestamp' | 'snapshot', stored: Uint8Array): Promise<boolean> {
  const newer = await refusedAsUndefined(async () => {
    const metadata = role === 'timestamp' ? parseTimestamp(stored) : parseSnapshot(stored);
    await verifyByRoot(set, metadata, role);
    return metadata.signed.version > ((role === 'timestamp' ? set.timestamp : set.snapshot)?.signed.version ?? 0);
  });
  return newer === true;
}

async function verifyByRoot(set: TrustedSet, metadata: Metadata<unknown>, role: TopLevelRole): Promise<void> {
  const { keys, roles } = set.root.signed;
  await verifySignatures(metadata, keys, roles.get(role) ?? { keyids: [], threshold: 1 }, role);
}

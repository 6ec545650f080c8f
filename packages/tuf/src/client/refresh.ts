import { equalBytes } from '../bytes.ts';
import { NetworkError, RollbackError, SupersededError } from '../errors.ts';
import { loadRotations } from '../rotation/load.ts';
import { checkClock, recordTime } from './clock-guard.ts';
import type { MembersCheck, MetadataStore, UpdaterLimits } from './ports.ts';
import type { ProvenMemory } from './proven-memory.ts';
import { encodeRoleName } from './role-name.ts';
import { followRemoteRoots, followStoredRoots, storeNewestRoot } from './roots.ts';
import type { SnapshotProofs } from './snapshot-proofs.ts';
import type { Source, Wanted } from './source.ts';
import { checkRootCurrent, isNewer, refusedAsUndefined } from './stored-newer.ts';
import { TrustedSet, type VerifiedRole } from './trusted-set.ts';

/** The last timestamp that this refresh knows to be in the store. */
interface Seen {
  timestamp: Uint8Array | undefined;
}

export interface Outcome {
  readonly set: TrustedSet;
  /** Why the store answers in place of the repository. */
  readonly unreached: NetworkError | undefined;
  /** Under which parts of the snapshot are to be proven; without it the set has the whole snapshot and targets. */
  readonly provenRoot?: string | undefined;
}

/** From where a role may come besides the store. */
export interface RoleSources {
  /** Why it may not be fetched. */
  readonly unreached?: NetworkError | undefined;
  /** What came along with something else: of this role, or of one of its rotate files. */
  readonly arrived?: ((name: string) => Uint8Array | undefined) | undefined;
}

/** Each attempt loses only against a process that has just finished one. */
const MAX_ATTEMPTS = 5;

/** Whether stored, unexpired metadata may stand in for a repository: never, when it cannot be reached, or always. */
export type OfflineMode = 'never' | 'fallback' | 'only';

export interface WorkflowOptions {
  readonly source: Source;
  readonly store: MetadataStore;
  readonly limits: UpdaterLimits;
  readonly offline: OfflineMode;
  readonly guardClock: boolean;
  readonly checkMembers?: MembersCheck | undefined;
  /** Another form of snapshot, and what is remembered of it. */
  readonly proving?: { readonly proofs: SnapshotProofs; readonly memory: ProvenMemory } | undefined;
}

/** The client workflow (§5) with its I/O: what is fetched, what is read from the store, what is written back. */
export class Workflow {
  private readonly options: WorkflowOptions;

  constructor(options: WorkflowOptions) {
    this.options = options;
  }

  /**
   * Root, timestamp, snapshot, targets, in this order (§5.3 to §5.6). Begins anew when another process has moved the
   * store on meanwhile: its newer snapshot would make ours look like a rollback.
   */
  async refresh(trustedRoot: Uint8Array, referenceTime: Date, signal: AbortSignal): Promise<Outcome> {
    const { store, guardClock } = this.options;
    if (guardClock) await checkClock(store, referenceTime);
    for (let attempt = 1; ; attempt++) {
      const seen: Seen = { timestamp: undefined };
      try {
        const outcome = await this.refreshOnce(trustedRoot, referenceTime, seen, signal);
        if (guardClock) await recordTime(store, referenceTime);
        return outcome;
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !(await this.isSuperseded(error, seen))) throw error;
      }
    }
  }

  private async refreshOnce(
    trustedRoot: Uint8Array,
    referenceTime: Date,
    seen: Seen,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { store, source, limits } = this.options;
    const set = await TrustedSet.create(trustedRoot, referenceTime, this.options.checkMembers);
    await followStoredRoots(set, store);
    const rootsUnreached = await this.unlessOffline(() => followRemoteRoots(set, store, source, limits, signal));
    await storeNewestRoot(set, store);
    // §5.3.10
    set.checkRootFresh();
    const unreached = await this.loadTimestamp(set, rootsUnreached, seen, signal);
    const provenRoot = this.options.proving?.proofs.rootOf(set.checkTimestampFresh());
    if (provenRoot !== undefined) return { set, unreached, provenRoot };
    await this.loadSnapshot(set, unreached, signal);
    await this.loadRole(set, 'targets', 'root', signal, { unreached });
    return { set, unreached };
  }

  /** Snapshot and targets (§5.5, §5.6) under a timestamp that was to be used with proofs. */
  async withSnapshot({ set, unreached }: Outcome, signal: AbortSignal): Promise<Outcome> {
    if (set.timestamp === undefined) throw new Error('timestamp comes before snapshot');
    const whole = set.afterRoot();
    await whole.updateTimestamp(set.timestamp.bytes);
    await this.loadSnapshot(whole, unreached, signal);
    await this.loadRole(whole, 'targets', 'root', signal, { unreached });
    return { set: whole, unreached };
  }

  private async isSuperseded(error: unknown, seen: Seen): Promise<boolean> {
    if (error instanceof SupersededError) return true;
    if (!(error instanceof RollbackError)) return false;
    const stored = await this.options.store.read('timestamp.json');
    return stored !== undefined && (seen.timestamp === undefined || !equalBytes(stored, seen.timestamp));
  }

  /** §5.6.1 to §5.6.6 for one role and one parent: from the store if that is still current, else what arrived, else fetched. */
  async loadRole(
    set: TrustedSet,
    role: string,
    parent: string,
    signal: AbortSignal,
    { unreached, arrived: arrivedOf = () => undefined }: RoleSources = {},
  ): Promise<VerifiedRole> {
    const known = set.verifiedRole(role, parent);
    if (known !== undefined) return known;
    const { store, limits } = this.options;
    await loadRotations(set, role, parent, { ...this.options, arrivedOf }, signal);
    // A repository may withdraw what was revoked: that is said, and not that something is missing.
    set.checkNotRevoked(role, parent);
    const { version, length } = set.roleMeta(role);
    const name = `${role}.json`;
    const stored = await store.read(name);
    if (stored !== undefined) {
      const verified = await refusedAsUndefined(() => set.updateRole(stored, role, parent));
      if (verified !== undefined) return verified;
    }
    const path = `${versionPrefix(set, version)}${encodeRoleName(role)}.json`;
    if (unreached !== undefined) throw missing(path, unreached);
    const maxLength = mostBytes(length, limits.targetsBytes, limits);
    const arrived = arrivedOf(role);
    const verify = async (bytes: Uint8Array) => ({ bytes, verified: await set.updateRole(bytes, role, parent) });
    const { bytes, verified } =
      arrived === undefined
        ? await this.fetch({ path, maxLength, expected: length, signal }, verify)
        : await verify(arrived);
    // §5.6.6
    await store.write(name, bytes);
    return verified;
  }

  /** §5.4 */
  private async loadTimestamp(
    set: TrustedSet,
    rootsUnreached: NetworkError | undefined,
    seen: Seen,
    signal: AbortSignal,
  ): Promise<NetworkError | undefined> {
    const { store, limits } = this.options;
    const stored = await store.read('timestamp.json');
    seen.timestamp = stored;
    if (stored !== undefined) await refusedAsUndefined(() => set.updateTimestamp(stored));
    const unreached =
      rootsUnreached ??
      (await this.unlessOffline(async () => {
        const wanted = { path: 'timestamp.json', maxLength: limits.timestampBytes, signal };
        const newer = await this.fetch(wanted, async (bytes) => {
          if (!(await set.updateTimestamp(bytes))) return undefined;
          // §5.4.4 comes before §5.4.5: what has expired is not kept.
          set.checkTimestampFresh();
          return bytes;
        });
        if (newer === undefined) return;
        await this.persist(set, 'timestamp', stored, newer);
        seen.timestamp = newer;
      }));
    if (unreached !== undefined && set.timestamp === undefined) throw missing('timestamp.json', unreached);
    set.checkTimestampFresh();
    return unreached;
  }

  /** §5.5 */
  private async loadSnapshot(set: TrustedSet, unreached: NetworkError | undefined, signal: AbortSignal): Promise<void> {
    const { store, limits } = this.options;
    const { version, length } = set.checkTimestampFresh().snapshotMeta;
    const stored = await store.read('snapshot.json');
    if (stored !== undefined) {
      const current = await refusedAsUndefined(async () => {
        await set.updateSnapshot(stored, 'cache');
        return set.checkSnapshotCurrent();
      });
      if (current !== undefined) return this.options.proving?.memory.checkSnapshot(current.meta);
    }
    const path = `${versionPrefix(set, version)}snapshot.json`;
    if (unreached !== undefined) throw missing(path, unreached);
    const maxLength = mostBytes(length, limits.snapshotBytes, limits);
    const fetched = await this.fetch({ path, maxLength, expected: length, signal }, async (bytes) => {
      await set.updateSnapshot(bytes);
      const { meta } = await set.checkSnapshotCurrent();
      await this.options.proving?.memory.checkSnapshot(meta);
      return bytes;
    });
    await this.persist(set, 'snapshot', stored, fetched);
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
    const { store } = this.options;
    const name = `${role}.json`;
    await store.lock(async () => {
      await checkRootCurrent(set, store);
      const current = await store.read(name);
      const changed = current !== undefined && (seen === undefined || !equalBytes(current, seen));
      if (changed && (await isNewer(set, role, current))) throw new SupersededError(role);
      await store.write(name, bytes);
    });
  }

  /** A NetworkError is returned instead of thrown where unexpired metadata of the store may stand in. */
  private async unlessOffline(fetchAll: () => Promise<void>): Promise<NetworkError | undefined> {
    try {
      await fetchAll();
      return undefined;
    } catch (error) {
      if (error instanceof NetworkError && this.options.offline !== 'never') return error;
      throw error;
    }
  }

  private fetch<T>(wanted: Wanted, verify: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    return this.options.source.fetch(wanted, verify);
  }
}

function versionPrefix(set: TrustedSet, version: number): string {
  return set.root.signed.consistentSnapshot ? `${version}.` : '';
}

/** §5.5.1, §5.6.1: as many bytes as signed metadata announces, else the client's own limit. */
function mostBytes(announced: number | undefined, otherwise: number, { announcedBytes }: UpdaterLimits): number {
  return announced === undefined ? otherwise : Math.min(announced, announcedBytes);
}

function missing(path: string, unreached: NetworkError): NetworkError {
  return new NetworkError(path, 'the repository is not reached and the store does not have it', unreached);
}

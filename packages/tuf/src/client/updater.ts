import { crypto } from '#crypto';
import { type Edge, searchTarget, walkDirectory } from '../delegation/search.ts';
import { LimitError, NetworkError, NotFoundError } from '../errors.ts';
import type { TargetFile, Targets } from '../model.ts';
import { DEFAULT_LIMITS, type MetadataFetcher, type MetadataStore, type UpdaterLimits } from './ports.ts';
import { type OfflineMode, Workflow } from './refresh.ts';
import { Shared } from './shared.ts';
import { Source, type UpdaterProgress } from './source.ts';
import { targetUrlPath } from './target.ts';
import type { TrustedSet, VerifiedRole } from './trusted-set.ts';

/** For {@link Updater}. */
export interface UpdaterOptions {
  /** The root that came with the client, or by another trusted way (§5.2). */
  readonly trustedRoot: Uint8Array;
  /** One, or several mirrors of one repository: what one lacks or serves wrong is taken from the next. */
  readonly fetcher: MetadataFetcher | readonly MetadataFetcher[];
  /** Where verified metadata is kept; rollback protection lives as long as it. */
  readonly store: MetadataStore;
  /** Read once for each refresh (§5.1). */
  readonly clock: () => Date;
  /** `fallback`: unexpired metadata of the store when the repository is not reached; `only`: no request. Default `never`. */
  readonly offline?: OfflineMode;
  /** What differs from {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<UpdaterLimits>;
  /** Refuse a clock that was set back since the last refresh with this store. Default true. */
  readonly guardClock?: boolean;
  /** Told of every piece received and of every file verified. */
  readonly onProgress?: (progress: UpdaterProgress) => void;
}

/** For each method of {@link Updater}. */
export interface CallOptions {
  /** Ends this call; what other calls wait for goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** What a refresh arrived at. */
export interface RefreshReport {
  /** True when the repository was not reached and the answer comes from the store. */
  readonly offline: boolean;
  /** Of the newest root. */
  readonly rootVersion: number;
  /** Of the timestamp. */
  readonly timestampVersion: number;
  /** Of the snapshot. */
  readonly snapshotVersion: number;
  /** Of the targets role. */
  readonly targetsVersion: number;
  /** Until then the repository has to publish a new one. */
  readonly timestampExpires: Date;
}

/** What a target should be, and who says so. */
export interface TargetInfo {
  /** The target path. */
  readonly path: string;
  /** Length, hashes and `custom`, as signed. */
  readonly file: TargetFile;
  /** The roles from `targets` down to the one that answered. */
  readonly chain: readonly string[];
  /** Keyids that signed the role that answered, among those its parent lists. */
  readonly keys: readonly string[];
  /** Of the role that answered. */
  readonly version: number;
  /** Of the role that answered. */
  readonly expires: Date;
  /** Where the content is, below the address of the targets, percent-encoded (§5.7.3, §6.2). */
  readonly urlPath: string;
}

/** What one refresh arrived at; later refreshes make another one, so that a search never mixes two. */
interface View {
  readonly set: TrustedSet;
  readonly report: RefreshReport;
  /** Roles being loaded, by parent and role, so that parallel searches load each one once. */
  readonly loading: Map<string, Shared<VerifiedRole>>;
}

/**
 * A TUF client: keeps trusted metadata fresh and answers what a target should be. Several calls may run at once;
 * several processes may share the store.
 */
export class Updater {
  private readonly options: UpdaterOptions;
  private readonly limits: UpdaterLimits;
  private readonly workflow: Workflow;
  private view: View | undefined;
  private refreshing: Shared<View> | undefined;

  constructor(options: UpdaterOptions) {
    const { fetcher, store, offline = 'never', guardClock = true, onProgress } = options;
    this.options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    const source = new Source(offline === 'only' ? UNREACHABLE : fetcher, onProgress);
    this.workflow = new Workflow({ source, store, limits: this.limits, offline, guardClock });
  }

  /**
   * Brings root, timestamp, snapshot and targets up to date (§5.3 to §5.6). A call during another one shares its outcome.
   * @throws TufError: what was refused and why, or NetworkError; what was trusted before stays
   */
  async refresh({ signal }: CallOptions = {}): Promise<RefreshReport> {
    return (await this.nextView(signal)).report;
  }

  /**
   * Searches the delegations (§5.6.7) as of the last refresh; refreshes first if there was none.
   * @returns undefined when no role that may say so lists the target
   * @throws TufError as {@link refresh}, also for a delegated role on the way that is refused or missing
   */
  async targetInfo(path: string, { signal }: CallOptions = {}): Promise<TargetInfo | undefined> {
    const hash = await sha256(path);
    return this.withView(signal, async (view) => {
      const search = searchTarget({ path, hash }, this.limits.delegations);
      const found = await drive(search, (edge) => this.load(view, edge, signal));
      return found === undefined ? undefined : targetInfo(view.set, path, found.edge, found.file);
    });
  }

  /**
   * Every target directly in a directory (`a1b2c3/django/`) that {@link targetInfo} would answer, in the order of the
   * roles that answer.
   * @throws LimitError when the directory is spread over more roles than may be visited
   */
  async targetsIn(directory: string, { signal }: CallOptions = {}): Promise<readonly TargetInfo[]> {
    if (!directory.endsWith('/') && directory !== '') throw new RangeError('a directory ends in a slash');
    return this.withView(signal, async (view) => {
      const paths = await this.pathsIn(view, directory, signal);
      const infos: TargetInfo[] = [];
      for (const path of paths) {
        const search = searchTarget({ path, hash: await sha256(path) }, this.limits.delegations);
        const found = await drive(search, (edge) => this.load(view, edge, signal));
        if (found !== undefined) infos.push(targetInfo(view.set, path, found.edge, found.file));
      }
      return infos;
    });
  }

  /** Names in any role that could answer for the directory; whether it does is decided name by name. */
  private async pathsIn(view: View, directory: string, signal: AbortSignal | undefined): Promise<ReadonlySet<string>> {
    const { delegations } = this.limits;
    const paths = new Set<string>();
    let visited = 0;
    await drive(walkDirectory(directory, delegations), async (edge) => {
      if (visited++ > delegations) throw new LimitError(`the listing of ${directory}`, delegations);
      const targets = await this.load(view, edge, signal);
      for (const path of targets.targets.keys()) {
        if (path.startsWith(directory) && !path.includes('/', directory.length)) paths.add(path);
      }
      return targets;
    });
    return paths;
  }

  private async load(
    { set, loading }: View,
    { role, parent }: Edge,
    signal: AbortSignal | undefined,
  ): Promise<Targets> {
    const key = JSON.stringify([parent, role]);
    let shared = loading.get(key);
    if (shared === undefined || shared.abandoned) {
      shared = new Shared((own) => this.workflow.loadRole(set, role, parent, own));
      loading.set(key, shared);
    }
    try {
      return (await shared.join(signal)).metadata.signed;
    } catch (error) {
      // A failure is not remembered: the next search tries again.
      if (loading.get(key) === shared) loading.delete(key);
      throw error;
    }
  }

  /** A repository sweeps old snapshots away: who meets such a gap goes on with the newest one, once. */
  private async withView<T>(signal: AbortSignal | undefined, work: (view: View) => Promise<T>): Promise<T> {
    const view = this.view ?? (await this.nextView(signal));
    try {
      return await work(view);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      const next = await this.nextView(signal);
      if (next.report.snapshotVersion === view.report.snapshotVersion) throw error;
      return work(next);
    }
  }

  private nextView(signal: AbortSignal | undefined): Promise<View> {
    if (this.refreshing === undefined || this.refreshing.abandoned) {
      const shared = new Shared((own) =>
        this.makeView(own).finally(() => {
          if (this.refreshing === shared) this.refreshing = undefined;
        }),
      );
      this.refreshing = shared;
    }
    return this.refreshing.join(signal);
  }

  private async makeView(signal: AbortSignal): Promise<View> {
    const { trustedRoot, clock } = this.options;
    const refresh = () => this.workflow.refresh(trustedRoot, clock(), signal);
    const { set, offline } = await refresh().catch((error: unknown) => {
      // The snapshot or targets of the timestamp just read may have been swept away meanwhile.
      if (error instanceof NotFoundError && error.path !== 'timestamp.json') return refresh();
      throw error;
    });
    this.view = { set, report: reportOn(set, offline), loading: new Map() };
    return this.view;
  }
}

const UNREACHABLE: MetadataFetcher = {
  fetch: async (path) => {
    throw new NetworkError(path, 'no request is made offline');
  },
};

function reportOn({ root, timestamp, snapshot, targets }: TrustedSet, offline: boolean): RefreshReport {
  if (timestamp === undefined || snapshot === undefined || targets === undefined)
    throw new Error('refresh ended early');
  return {
    offline,
    rootVersion: root.signed.version,
    timestampVersion: timestamp.signed.version,
    snapshotVersion: snapshot.signed.version,
    targetsVersion: targets.signed.version,
    timestampExpires: timestamp.signed.expires,
  };
}

function targetInfo(set: TrustedSet, path: string, { role, parent, chain }: Edge, file: TargetFile): TargetInfo {
  const verified = set.verifiedRole(role, parent);
  if (verified === undefined) throw new Error(`${role} was not verified for ${parent}`);
  const { version, expires } = verified.metadata.signed;
  const urlPath = targetUrlPath(path, file, set.root.signed.consistentSnapshot);
  return { path, file, chain, keys: verified.keyids, version, expires, urlPath };
}

async function drive<T>(search: Generator<Edge, T, Targets>, load: (edge: Edge) => Promise<Targets>): Promise<T> {
  let step = search.next();
  while (step.done !== true) step = search.next(await load(step.value));
  return step.value;
}

function sha256(text: string): Promise<string> {
  return crypto.digest('sha256', new TextEncoder().encode(text));
}

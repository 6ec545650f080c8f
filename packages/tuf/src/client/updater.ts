import { crypto } from '#crypto';
import { type Edge, searchTarget, walkDirectory } from '../delegation/search.ts';
import { SPEC_VERSION } from '../build.ts';
import {
  ExpiredError,
  LimitError,
  MissingMetadataError,
  RoleRevokedError,
  type TufError,
  UnsignedMetadataError,
} from '../errors.ts';
import type { TargetFile, Targets } from '../model.ts';
import type { ChainLink } from '../rotation/chain.ts';
import {
  DEFAULT_LIMITS,
  type MembersCheck,
  type MetadataFetcher,
  type MetadataStore,
  type UpdaterLimits,
} from './ports.ts';
import type { OfflineMode } from './refresh.ts';
import type { SnapshotProofs } from './snapshot-proofs.ts';
import type { UpdaterProgress } from './source.ts';
import { targetUrlPath } from './target.ts';
import type { TrustedSet, VerifiedRole } from './trusted-set.ts';
import type { RefreshReport } from './view.ts';
import { type Search, Views } from './views.ts';

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
  /**
   * Another form of snapshot (TAP 16), used where a timestamp names it: then a refresh fetches neither snapshot nor targets, and
   * a search asks for what it needs of them. Default: none.
   */
  readonly snapshotProofs?: SnapshotProofs;
  /**
   * Whether a role that is delegated to and that the snapshot does not list names nothing, because nobody has signed it yet: then
   * {@link Updater.targetsIn} goes on without it. A search for a name that comes to such a role still fails. Default: no role.
   */
  readonly mayBeUnsigned?: (role: string) => boolean;
  /** Asked about every newer root, targets, delegated role and rotate file whose signatures hold. Default: refuses nothing. */
  readonly checkMembers?: MembersCheck;
  /** Told of every piece received and of every file verified. */
  readonly onProgress?: (progress: UpdaterProgress) => void;
}

/** For each method of {@link Updater}. */
export interface CallOptions {
  /** Ends this call; what other calls wait for goes on. */
  readonly signal?: AbortSignal | undefined;
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
  /** Of the timestamp under which all this was verified. */
  readonly timestampVersion: number;
}

/** A role on the way to the targets of a directory. */
export interface RoleInfo extends Edge {
  /** Who may sign it now. */
  readonly holders: ChainLink;
  /** The role, verified for its parent; `undefined` when it was refused. */
  readonly verified: VerifiedRole | undefined;
  /** Why it was refused. */
  readonly refused: TufError | undefined;
}

/** What {@link Updater.rolesIn} found. */
export interface RolesInfo {
  /** In the order of the search. */
  readonly roles: readonly RoleInfo[];
  /** Of the timestamp under which all this was verified. */
  readonly timestampVersion: number;
}

/**
 * A TUF client: keeps trusted metadata fresh and answers what a target should be. Several calls may run at once;
 * several processes may share the store.
 */
export class Updater {
  private readonly limits: UpdaterLimits;
  private readonly views: Views;
  private readonly mayBeUnsigned: (role: string) => boolean;

  constructor(options: UpdaterOptions) {
    this.mayBeUnsigned = options.mayBeUnsigned ?? (() => false);
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.views = new Views(options, this.limits);
  }

  /**
   * Brings root, timestamp, snapshot and targets up to date (§5.3 to §5.6); with {@link UpdaterOptions.snapshotProofs}, root and
   * timestamp. A call during another one shares its outcome.
   * @throws TufError: what was refused and why, or NetworkError; what was trusted before stays
   */
  async refresh({ signal }: CallOptions = {}): Promise<RefreshReport> {
    return (await this.views.next(signal)).report;
  }

  /**
   * Searches the delegations (§5.6.7) as of the last refresh; refreshes first if there was none.
   * @returns undefined when no role that may say so lists the target
   * @throws TufError as {@link refresh}, also for a delegated role on the way that is refused or missing
   */
  async targetInfo(path: string, { signal }: CallOptions = {}): Promise<TargetInfo | undefined> {
    const hash = await sha256(path);
    return this.views.use(path, signal, async ({ set, load }) => {
      const found = await drive(searchTarget({ path, hash }, this.limits.delegations), load);
      return found === undefined ? undefined : targetInfo(set, path, found.edge, found.file);
    });
  }

  /**
   * Every target directly in a directory (`a1b2c3/django/`) that {@link targetInfo} would answer, in the order of the
   * roles that answer.
   * @throws LimitError when the directory is spread over more roles than may be visited
   */
  async targetsIn(directory: string, { signal }: CallOptions = {}): Promise<readonly TargetInfo[]> {
    if (!directory.endsWith('/') && directory !== '') throw new RangeError('a directory ends in a slash');
    return this.views.use(directory, signal, async (search) => {
      const paths = await this.pathsIn(search, directory);
      const infos: TargetInfo[] = [];
      for (const path of paths) {
        const sought = { path, hash: await sha256(path) };
        const found = await drive(searchTarget(sought, this.limits.delegations), search.load);
        if (found !== undefined) infos.push(targetInfo(search.set, path, found.edge, found.file));
      }
      return infos;
    });
  }

  /**
   * Every role that could answer for a target directly in a directory, in the order of the search, with its keys. One that is
   * refused, such as for its age, is among them and counts as one that says nothing: whoever maintains it has to see it.
   * @throws TufError when the search fails for another reason than what a role is; LimitError as {@link targetsIn}
   */
  async rolesIn(directory: string, { signal }: CallOptions = {}): Promise<RolesInfo> {
    if (!directory.endsWith('/') && directory !== '') throw new RangeError('a directory ends in a slash');
    return this.views.use(directory, signal, async ({ set, load }) => {
      const { delegations } = this.limits;
      const roles: RoleInfo[] = [];
      await drive(walkDirectory(directory, delegations), async (edge) => {
        if (roles.length > delegations) throw new LimitError(`the roles of ${directory}`, delegations);
        try {
          const targets = await load(edge);
          roles.push({ ...edge, holders: holdersOf(set, edge), verified: verifiedOf(set, edge), refused: undefined });
          return targets;
        } catch (error) {
          if (!isVerdict(error, edge)) throw error;
          roles.push({ ...edge, holders: holdersOf(set, edge), verified: undefined, refused: error });
          return SAYS_NOTHING;
        }
      });
      return { roles, timestampVersion: set.timestamp?.signed.version ?? 0 };
    });
  }

  /** Names in any role that could answer for the directory; whether it does is decided name by name. */
  private async pathsIn({ load }: Search, directory: string): Promise<ReadonlySet<string>> {
    const { delegations } = this.limits;
    const paths = new Set<string>();
    let visited = 0;
    await drive(walkDirectory(directory, delegations), async (edge) => {
      if (visited++ > delegations) throw new LimitError(`the listing of ${directory}`, delegations);
      const targets = await this.unlessUnsigned(edge, load(edge));
      for (const path of targets.targets.keys()) {
        if (path.startsWith(directory) && !path.includes('/', directory.length)) paths.add(path);
      }
      return targets;
    });
    return paths;
  }

  private async unlessUnsigned({ role }: Edge, loaded: Promise<Targets>): Promise<Targets> {
    try {
      return await loaded;
    } catch (error) {
      if (error instanceof MissingMetadataError && error.role === role && this.mayBeUnsigned(role)) return SAYS_NOTHING;
      throw error;
    }
  }
}

const verifiedOf = (set: TrustedSet, { role, parent }: Edge) => set.verifiedRole(role, parent);
const holdersOf = (set: TrustedSet, { role, parent }: Edge) => set.holders(role, parent);

/** Instead of a role that was refused. */
const SAYS_NOTHING: Targets = {
  type: 'targets',
  version: 1,
  specVersion: SPEC_VERSION,
  expires: new Date(0),
  unrecognized: new Map(),
  targets: new Map(),
};

/** Whether an error is about the role itself: not about reaching it, nor about what this client is to begin anew with. */
function isVerdict(error: unknown, { role }: Edge): error is TufError {
  return (
    (error instanceof ExpiredError ||
      error instanceof RoleRevokedError ||
      error instanceof MissingMetadataError ||
      error instanceof UnsignedMetadataError) &&
    error.role === role
  );
}

function targetInfo(set: TrustedSet, path: string, { role, parent, chain }: Edge, file: TargetFile): TargetInfo {
  const verified = set.verifiedRole(role, parent);
  if (verified === undefined || set.timestamp === undefined) throw new Error(`${role} was not verified for ${parent}`);
  const { version, expires } = verified.metadata.signed;
  const urlPath = targetUrlPath(path, file, set.root.signed.consistentSnapshot);
  const timestampVersion = set.timestamp.signed.version;
  return { path, file, chain, keys: verified.keyids, version, expires, urlPath, timestampVersion };
}

async function drive<T>(search: Generator<Edge, T, Targets>, load: (edge: Edge) => Promise<Targets>): Promise<T> {
  let step = search.next();
  while (step.done !== true) step = search.next(await load(step.value));
  return step.value;
}

function sha256(text: string): Promise<string> {
  return crypto.digest('sha256', new TextEncoder().encode(text));
}

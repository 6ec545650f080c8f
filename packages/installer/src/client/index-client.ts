import { join } from 'node:path';
import type { ProjectName } from '@holdfast/python-index';
import {
  assertForIndex,
  consistentTargetPath,
  decodeTarget,
  FeedError,
  identityOf,
  parseProjectRole,
  projectDirectory,
  type PublishedState,
  snapshotTreeRoot,
  targetPath,
} from '@holdfast/trust';
import {
  type MembersCheck,
  MemoryMetadataStore,
  parseRoot,
  parseTimestamp,
  type RefreshReport,
  type TargetInfo,
  Updater,
} from '@holdfast/tuf';
import { FileMetadataStore } from '@holdfast/tuf/node';
import { AbsentError, NotVouchedError } from '../errors.ts';
import type { Expected } from '../fetch/download.ts';
import { DEFAULT_LIMITS, type FetchLimits } from '../fetch/limits.ts';
import { MirrorMetadataFetcher } from '../fetch/metadata-fetcher.ts';
import { Mirrors } from '../fetch/mirrors.ts';
import { filesDirectory } from '../home.ts';
import { FileStore, type VerifiedFile } from '../store/file-store.ts';
import { findTrust, readTrustedRoot } from '../trust/trust-store.ts';
import type { TrustedIndex } from '../trust/trusted-index.ts';
import { assertClockNotBehind } from './clock-behind.ts';
import { withFailover } from './failover.ts';
import { type FollowedFeed, KeptFeed, mirroredFeed } from './feed.ts';
import { FileSource } from './file-source.ts';
import { preferFreshest } from './freshest.ts';
import { preferNewerRoot } from './newer-root.ts';
import { Lookups } from './lookups.ts';
import { Bulletins } from './bulletins.ts';
import type { Notice } from './notice.ts';
import { type ProjectSigning, readSigning } from './project-signing.ts';
import { shareInFlight } from './share.ts';
import type { Freshness, VerifiedDistribution, VerifiedProject } from './verified-project.ts';

export interface OpenClientOptions {
  readonly home: string;
  /** Which trusted index; without it, the only one. */
  readonly name?: string;
  readonly clock?: () => Date;
  readonly onNotice?: (notice: Notice) => void;
  /** Verified metadata older than this is refreshed before it answers. Milliseconds. */
  readonly refreshAfterMs?: number;
  readonly environment?: NodeJS.ProcessEnv;
  readonly limits?: FetchLimits;
}

const DEFAULT_REFRESH_AFTER_MS = 5_000;

/** How often in one refresh another mirror may know a newer root than the one that was followed. */
const MAX_HIDDEN_ROOTS = 8;

/** One trusted index, seen through verified metadata only. Everything that it returns has been verified. */
export class IndexClient {
  readonly trusted: TrustedIndex;
  readonly #mirrors: Mirrors;
  readonly #updater: Updater;
  readonly #metadata: FileMetadataStore;
  readonly #files: FileSource;
  readonly #checkMembers: MembersCheck;
  readonly #clock: () => Date;
  readonly #notify: (notice: Notice) => void;
  readonly #bulletins: Bulletins;
  readonly #refreshAfterMs: number;
  readonly #refreshing = shareInFlight<Freshness>();
  #freshness: Freshness | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  private constructor(
    trusted: TrustedIndex,
    parts: {
      mirrors: Mirrors;
      updater: Updater;
      metadata: FileMetadataStore;
      files: FileSource;
      checkMembers: MembersCheck;
    },
    options: OpenClientOptions,
  ) {
    this.trusted = trusted;
    this.#mirrors = parts.mirrors;
    this.#updater = parts.updater;
    this.#metadata = parts.metadata;
    this.#files = parts.files;
    this.#checkMembers = parts.checkMembers;
    this.#clock = options.clock ?? (() => new Date());
    this.#notify = options.onNotice ?? (() => {});
    this.#bulletins = new Bulletins(trusted, parts.metadata, this.#notify);
    this.#refreshAfterMs = options.refreshAfterMs ?? DEFAULT_REFRESH_AFTER_MS;
  }

  /** @throws NoTrustError, AmbiguousIndexError */
  static async open(options: OpenClientOptions): Promise<IndexClient> {
    const { home, name, environment = process.env, limits = DEFAULT_LIMITS, clock = () => new Date() } = options;
    const trusted = await findTrust(home, name);
    const mirrors = await Mirrors.open(trusted.urls, environment, limits);
    const store = new FileStore(filesDirectory(home), (path) => options.onNotice?.({ kind: 'damage', path }));
    await store.prepare();
    const metadata = new FileMetadataStore(join(trusted.directory, 'metadata'));
    const trustedRoot = await readTrustedRoot(trusted);
    const checkMembers = onlyOf(trusted, trustedRoot);
    const updater = new Updater({
      trustedRoot,
      fetcher: new MirrorMetadataFetcher(mirrors, metadata),
      store: metadata,
      clock,
      offline: 'fallback',
      snapshotProofs: new Lookups(mirrors),
      mayBeUnsigned,
      checkMembers,
    });
    const files = new FileSource(mirrors, store);
    return new IndexClient(trusted, { mirrors, updater, metadata, files, checkMembers }, options);
  }

  get name(): string {
    return this.trusted.name;
  }

  /** Addresses of the mirrors, without credentials. */
  get mirrorUrls(): readonly string[] {
    return this.#mirrors.urls;
  }

  /** What the last refresh found; `undefined` before the first. */
  get freshness(): Freshness | undefined {
    return this.#freshness;
  }

  /** The client workflow of TUF 1.0.34 §5.3–5.6, from whichever mirror serves acceptable metadata. */
  refresh(): Promise<Freshness> {
    return this.#refreshing('refresh', async () => {
      try {
        await preferFreshest(this.#mirrors);
        const report = await this.#follow();
        const { offline, rootVersion, timestampVersion, timestampExpires } = report;
        if (offline && !this.#freshness?.offline) this.#notify({ kind: 'offline', index: this.name, timestampExpires });
        const checkedAt = this.#clock();
        this.#freshness = { offline, rootVersion, timestampVersion, timestampExpires, checkedAt };
        this.#refreshedAt = performance.now();
        return this.#freshness;
      } finally {
        this.#reportMirrors();
      }
    });
  }

  /** Every file that verified metadata lists for a project; `undefined` when it verifiably lists none. */
  async project(name: ProjectName): Promise<VerifiedProject | undefined> {
    const freshness = await this.#fresh();
    const infos = await withFailover(this.#mirrors, name, () => this.#updater.targetsIn(projectDirectory(name)));
    this.#reportMirrors();
    await this.#bulletins.look(freshness.timestampVersion);
    const files = infos.map((info) => this.#decode(info)).filter((file) => file !== undefined);
    assertClockNotBehind(this.name, files, freshness, this.#clock());
    const { timestampVersion } = infos[0] ?? freshness;
    return files.length === 0 ? undefined : { index: this.name, name, files, timestampVersion };
  }

  /**
   * Who signs for a project and what they signed, as verified metadata says: for those who maintain it, so that a role that
   * expired or was revoked is told about.
   */
  async signing(name: ProjectName): Promise<ProjectSigning> {
    await this.#fresh();
    const source = {
      index: this.name,
      now: this.#clock(),
      updater: this.#updater,
      earlier: (at: Date) => this.#earlier(at),
      decode: (info: TargetInfo) => this.#decode(info),
    };
    return withFailover(this.#mirrors, name, () => readSigning(name, source));
  }

  /** The METADATA of a distribution (PEP 658), verified. `undefined` when signed metadata names none. */
  async coreMetadata(file: VerifiedDistribution): Promise<Uint8Array | undefined> {
    if (!file.coreMetadata) return undefined;
    const subject = `${file.filename}.metadata`;
    const path = `${targetAddress(file)}.metadata`;
    const verified = await this.#open(path, { subject, ...file.coreMetadata }, file);
    try {
      return await verified.handle.readFile();
    } finally {
      await verified.handle.close();
    }
  }

  /** Opens a distribution file of the store, fetched if need be and verified completely just now. The caller closes it. */
  openFile(file: VerifiedDistribution): Promise<VerifiedFile> {
    return this.#open(targetAddress(file), { subject: file.filename, size: file.size, sha256: file.sha256 }, file);
  }

  /** The path in the store of a distribution file, verified completely just now. */
  async file(file: VerifiedDistribution): Promise<string> {
    const { path, handle } = await this.openFile(file);
    await handle.close();
    return path;
  }

  /**
   * The roles of this index that changed since this was last asked, by its change feed, which leads to the newest verified timestamp.
   * @param kept the file that remembers what was asked; whoever asks for purposes of their own gives their own
   * @throws FeedError when it does not lead there
   */
  async followFeed(kept?: string): Promise<FollowedFeed> {
    const feed = await this.openFeed(kept);
    const followed = await feed.next();
    await feed.keep();
    return followed;
  }

  /** The same for whoever goes on asking, or tells others of it before it is kept. */
  openFeed(kept = join(this.trusted.directory, 'feed')): Promise<KeptFeed> {
    return KeptFeed.open(mirroredFeed(this.#mirrors), kept, () => this.#published());
  }

  close(): void {
    this.#mirrors.close();
  }

  /** Again when the mirror that was believed had kept a newer root from us. */
  async #follow(): Promise<RefreshReport> {
    for (let attempt = 1; ; attempt++) {
      const report = await withFailover(this.#mirrors, `the metadata of ${this.name}`, () => this.#updater.refresh());
      if (report.offline || attempt === MAX_HIDDEN_ROOTS) return report;
      const root = await this.#metadata.read('root.json');
      if (root === undefined || !(await preferNewerRoot(this.#mirrors, root))) return report;
    }
  }

  /** What the newest timestamp names. @throws FeedError when it names no tree */
  async #published(): Promise<PublishedState> {
    await this.refresh();
    const bytes = await this.#metadata.read('timestamp.json');
    const timestamp = bytes && parseTimestamp(bytes).signed;
    const root = timestamp && snapshotTreeRoot(timestamp);
    if (timestamp === undefined || root === undefined) throw new FeedError('gap', 'metadata/timestamp.json');
    return { version: timestamp.version, root };
  }

  async #fresh(): Promise<Freshness> {
    const recent = performance.now() - this.#refreshedAt < this.#refreshAfterMs;
    return recent && this.#freshness ? this.#freshness : this.refresh();
  }

  async #open(path: string, expected: Expected, file: VerifiedDistribution): Promise<VerifiedFile> {
    try {
      return await this.#files.open(path, expected);
    } catch (error) {
      if (!(error instanceof AbsentError)) throw error;
      await this.refresh();
      const now = await this.project(file.project);
      if (!now?.files.some(({ sha256 }) => sha256 === file.sha256))
        throw new NotVouchedError(this.name, file.filename, 'the index has withdrawn this file');
      return await this.#files.open(path, expected);
    } finally {
      this.#reportMirrors();
    }
  }

  /** Keeps nothing of what it finds: it judges by a time that is over. */
  async #earlier(at: Date): Promise<Updater> {
    const root = await this.#metadata.read('root.json');
    return new Updater({
      trustedRoot: root ?? (await readTrustedRoot(this.trusted)),
      fetcher: new MirrorMetadataFetcher(this.#mirrors, this.#metadata),
      store: new MemoryMetadataStore(),
      clock: () => at,
      snapshotProofs: new Lookups(this.#mirrors),
      mayBeUnsigned,
      checkMembers: this.#checkMembers,
    });
  }

  #decode(info: TargetInfo): VerifiedDistribution | undefined {
    try {
      const { chain, keys, version, expires } = info;
      const voucher = { index: this.name, chain, keyids: keys, version, expires };
      const distribution = decodeTarget(info.path, info.file);
      return { ...distribution, path: targetPath(distribution.project, distribution.filename), voucher };
    } catch (error) {
      // Signed, but not a distribution that any installer could use: the others of the project still are (M14).
      this.#notify({ kind: 'odd-entry', index: this.name, error });
      return undefined;
    }
  }

  #reportMirrors(): void {
    const problems = this.#mirrors.takeProblems();
    // With one mirror, what is wrong with it is thrown; only when the store stands in for it, nobody else says so.
    if (this.#mirrors.size < 2 && !this.#freshness?.offline) return;
    for (const problem of problems) this.#notify({ kind: 'mirror-problem', index: this.name, problem });
  }
}

/** Keys may sign for several indexes: what they signed for another one does not count here, whoever has this one's online keys. */
function onlyOf({ fingerprint }: TrustedIndex, root: Uint8Array): MembersCheck {
  const own = identityOf(parseRoot(root), fingerprint);
  return (role, members) => assertForIndex(role, members, own);
}

/** What developers delegate inside their project counts from then on, and its holder signs when there is something to sign. */
const mayBeUnsigned = (role: string): boolean => (parseProjectRole(role)?.labels.length ?? 0) > 0;

/** Relative to a mirror's root, percent-encoded. The METADATA lies beside the file. */
function targetAddress({ path, sha256 }: VerifiedDistribution): string {
  return `targets/${consistentTargetPath(path, sha256).split('/').map(encodeURIComponent).join('/')}`;
}

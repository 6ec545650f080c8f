import { equalBytes } from '../bytes.ts';
import { delegatedKeys } from '../delegation/match.ts';
import {
  ExpiredError,
  FormatError,
  HashMismatchError,
  MismatchError,
  MissingMetadataError,
  RollbackError,
  UnsignedMetadataError,
} from '../errors.ts';
import type {
  MetaFile,
  Metadata,
  PublicKey,
  Root,
  RoleKeys,
  Snapshot,
  Targets,
  Timestamp,
  TopLevelRole,
} from '../model.ts';
import { parseSnapshot, parseTimestamp } from '../parse/meta.ts';
import { parseRoot } from '../parse/root.ts';
import { parseTargets } from '../parse/targets.ts';
import {
  chainStart,
  type ChainLink,
  checkNotRevoked,
  followRotation,
  nextRotation,
  type NextRotation,
} from '../rotation/chain.ts';
import { parseRotation } from '../rotation/rotation.ts';
import { checkSignatures, verifySignatures } from '../verify.ts';
import { verifyContent } from './digests.ts';
import type { MembersCheck } from './ports.ts';

/** A delegated role, verified for one parent. */
export interface VerifiedRole {
  /** The role as received. */
  readonly metadata: Metadata<Targets>;
  /** The keys of the parent's delegation that signed it. */
  readonly keyids: readonly string[];
}

/**
 * The client workflow of the specification (§5) without any I/O: bytes and a reference time in, verdict out.
 * Metadata goes in in the order root, timestamp, snapshot, targets, delegated roles; what was refused changes nothing.
 *
 * Timestamp and snapshot are also kept when they are expired or superseded: such *intermediate* metadata cannot lead to
 * the next role, but what replaces it is compared with it (rollback).
 */
export class TrustedSet {
  /** §5.1: fixed for the whole update. */
  readonly referenceTime: Date;
  private currentRoot: Metadata<Root>;
  private currentTimestamp: Metadata<Timestamp> | undefined;
  private currentSnapshot: Metadata<Snapshot> | undefined;
  /** What is proven of another form of snapshot, instead of `currentSnapshot`. */
  private provenMeta: Map<string, MetaFile> | undefined;
  private readonly checkMembers: MembersCheck;
  private readonly roles = new Map<string, Map<string, VerifiedRole>>();
  /** By parent and role; only for roles that rotated their keys. */
  private readonly rotated = new Map<string, ChainLink>();

  private constructor(root: Metadata<Root>, referenceTime: Date, checkMembers: MembersCheck) {
    this.currentRoot = root;
    this.referenceTime = referenceTime;
    this.checkMembers = checkMembers;
  }

  /**
   * §5.2: begins with the root that came with the client. It must at least be signed by its own keys.
   * @param checkMembers asked about all that comes after it
   * @throws FormatError, UnsignedMetadataError
   */
  static async create(
    trustedRoot: Uint8Array,
    referenceTime: Date,
    checkMembers: MembersCheck = () => {},
  ): Promise<TrustedSet> {
    const root = parseRoot(trustedRoot);
    await verifyTopLevel(root, root, 'root');
    return new TrustedSet(root, referenceTime, checkMembers);
  }

  /** A set that goes on from the same root, at the same time, without a timestamp. */
  afterRoot(): TrustedSet {
    return new TrustedSet(this.currentRoot, this.referenceTime, this.checkMembers);
  }

  /** The newest root. */
  get root(): Metadata<Root> {
    return this.currentRoot;
  }

  /** The newest timestamp, expired or not. */
  get timestamp(): Metadata<Timestamp> | undefined {
    return this.currentTimestamp;
  }

  /** The newest snapshot, expired or superseded or not. */
  get snapshot(): Metadata<Snapshot> | undefined {
    return this.currentSnapshot;
  }

  /** The targets role, once it is verified. */
  get targets(): Metadata<Targets> | undefined {
    return this.verifiedRole('targets', 'root')?.metadata;
  }

  /**
   * The next root, §5.3.4 to §5.3.7: one step of the chain.
   * @throws FormatError, UnsignedMetadataError, RollbackError, MismatchError
   */
  async updateRoot(bytes: Uint8Array): Promise<Metadata<Root>> {
    if (this.currentTimestamp !== undefined) throw new Error('root comes before timestamp');
    const root = parsedAs('root', parseRoot, bytes);
    // §5.3.4: signed by a threshold of the trusted root's keys and of its own.
    await verifyTopLevel(root, this.currentRoot, 'root');
    await verifyTopLevel(root, root, 'root');
    // §5.3.5: exactly the next version; anything lower is a rollback.
    const trusted = this.currentRoot.signed.version;
    const { version } = root.signed;
    if (version <= trusted) throw new RollbackError('root', trusted, version);
    if (version !== trusted + 1) throw new MismatchError('root', trusted + 1, version);
    this.checkMembers('root', root.signed.unrecognized);
    // §5.3.7 note: expiry does not matter here, only for the last root of the chain.
    this.currentRoot = root;
    return root;
  }

  /** §5.3.10: the root at the end of the chain must not have expired. @throws ExpiredError */
  checkRootFresh(): void {
    this.checkFresh('root', this.currentRoot.signed.expires);
  }

  /**
   * A timestamp, §5.4.2 and §5.4.3; whether it has expired is asked by {@link checkTimestampFresh}.
   * @returns false when the version is the trusted one, so that nothing is new and the bytes are to be dropped
   * @throws FormatError, UnsignedMetadataError, RollbackError, ExpiredError (of root)
   */
  async updateTimestamp(bytes: Uint8Array): Promise<boolean> {
    if (this.currentSnapshot !== undefined) throw new Error('timestamp comes before snapshot');
    this.checkRootFresh();
    const timestamp = parsedAs('timestamp', parseTimestamp, bytes);
    await verifyTopLevel(timestamp, this.currentRoot, 'timestamp');
    const trusted = this.currentTimestamp?.signed;
    if (trusted !== undefined) {
      const { version, snapshotMeta } = timestamp.signed;
      // §5.4.3.1
      if (version < trusted.version) throw new RollbackError('timestamp', trusted.version, version);
      if (version === trusted.version) return false;
      // §5.4.3.2
      if (snapshotMeta.version < trusted.snapshotMeta.version) {
        throw new RollbackError('snapshot', trusted.snapshotMeta.version, snapshotMeta.version);
      }
    }
    this.currentTimestamp = timestamp;
    return true;
  }

  /** §5.4.4; separate, so that an expired timestamp still serves to recognise an older one. @throws ExpiredError */
  checkTimestampFresh(): Timestamp {
    const timestamp = this.currentTimestamp;
    if (timestamp === undefined) throw new Error('timestamp comes before snapshot');
    this.checkFresh('timestamp', timestamp.signed.expires);
    return timestamp.signed;
  }

  /**
   * A snapshot, §5.5.2 to §5.5.5; whether it may lead to targets is asked by {@link checkSnapshotCurrent}.
   * @param source `cache` for bytes that this client verified before: the hash in today's timestamp need not fit them
   * @throws LengthMismatchError, HashMismatchError, FormatError, UnsignedMetadataError, MismatchError, RollbackError, ExpiredError
   */
  async updateSnapshot(bytes: Uint8Array, source: 'network' | 'cache' = 'network'): Promise<void> {
    if (this.targets !== undefined) throw new Error('snapshot comes before targets');
    if (this.provenMeta !== undefined) throw new Error('a snapshot is not mixed with another form of it');
    const { snapshotMeta } = this.checkTimestampFresh();
    // §5.5.2
    if (source === 'network') await verifyContent('snapshot', bytes, snapshotMeta);
    const snapshot = parsedAs('snapshot', parseSnapshot, bytes);
    // §5.5.3
    await verifyTopLevel(snapshot, this.currentRoot, 'snapshot');
    const { version, meta } = snapshot.signed;
    // §5.5.4
    if (source === 'network' && version !== snapshotMeta.version)
      throw new MismatchError('snapshot', snapshotMeta.version, version);
    // §5.5.5: no listed role may go back or disappear.
    for (const [name, file] of this.currentSnapshot?.signed.meta ?? []) {
      const offered = meta.get(name)?.version;
      if (offered === undefined || offered < file.version)
        throw new RollbackError(name.replace(/\.json$/, ''), file.version, offered);
    }
    this.currentSnapshot = snapshot;
  }

  /**
   * §5.5.2, §5.5.4 and §5.5.6 for the snapshot that is to lead to targets.
   * @throws MismatchError, LengthMismatchError, HashMismatchError, ExpiredError
   */
  async checkSnapshotCurrent(): Promise<Snapshot> {
    const { snapshotMeta } = this.checkTimestampFresh();
    const snapshot = this.currentSnapshot;
    if (snapshot === undefined) throw new Error('snapshot comes before targets');
    const { version } = snapshot.signed;
    if (version !== snapshotMeta.version) throw new MismatchError('snapshot', snapshotMeta.version, version);
    await verifyContent('snapshot', snapshot.bytes, snapshotMeta);
    this.checkFresh('snapshot', snapshot.signed.expires);
    return snapshot.signed;
  }

  /**
   * Goes on from entries of the snapshot that were proven under the root hash of this timestamp (TAP 16), instead of a snapshot.
   * @param meta as in a snapshot, by file name
   * @throws ExpiredError, and HashMismatchError when something else was proven before
   */
  prove(meta: ReadonlyMap<string, MetaFile>): void {
    this.checkTimestampFresh();
    if (this.currentSnapshot !== undefined) throw new Error('a snapshot is not mixed with another form of it');
    const proven = this.provenMeta ?? new Map<string, MetaFile>();
    for (const [name, file] of meta)
      if (!isSameMeta(proven.get(name) ?? file, file)) throw new HashMismatchError(name.replace(/\.json$/, ''));
    for (const [name, file] of meta) proven.set(name, file);
    this.provenMeta = proven;
  }

  /** Whether the role is listed, as far as is known: by the snapshot, or by what was proven of it. */
  lists(role: string): boolean {
    return this.listed?.has(`${role}.json`) === true;
  }

  /** What the snapshot says about a role. @throws MissingMetadataError */
  roleMeta(role: string): MetaFile {
    const meta = this.listed?.get(`${role}.json`);
    if (meta === undefined) throw new MissingMetadataError(role);
    return meta;
  }

  /** A role that was verified for this very parent (a role verified for another one proves nothing here). */
  verifiedRole(role: string, parent: string): VerifiedRole | undefined {
    return this.roles.get(parent)?.get(role);
  }

  /** TAP 8: the rotate file that is to be followed next before the role can be verified for this parent. */
  nextRotation(role: string, parent: string): NextRotation | undefined {
    return nextRotation(this.listed, role, this.rotated.get(edgeKey(role, parent)));
  }

  /** TAP 8: how many rotate files of a role were followed for this parent. */
  rotations(role: string, parent: string): number {
    return this.rotated.get(edgeKey(role, parent))?.version ?? 0;
  }

  /** TAP 20: whatever the role says, and whether it is there at all, does not count then. @throws RoleRevokedError */
  checkNotRevoked(role: string, parent: string): void {
    checkNotRevoked(this.link(role, parent), role);
  }

  /** Who may sign a role now: the keys that this very parent lists, with the rotate files that were followed (TAP 8). */
  holders(role: string, parent: string): ChainLink {
    return this.link(role, parent);
  }

  /**
   * TAP 8 for the next rotate file of a role, from the keys that this very parent lists.
   * @param before bytes of this file that were verified in an earlier run
   * @throws UnsignedMetadataError, MismatchError, FormatError, LengthMismatchError, HashMismatchError, ReplacedRotationError
   */
  async updateRotation(bytes: Uint8Array, role: string, parent: string, before?: Uint8Array): Promise<void> {
    const next = this.nextRotation(role, parent);
    if (next === undefined) throw new Error(`the snapshot lists no further rotation of ${role}`);
    const link = await followRotation(this.link(role, parent), role, next, bytes, before);
    this.checkMembers(`${role}.rotate.${next.version}`, parseRotation(bytes).signed.unrecognized);
    this.rotated.set(edgeKey(role, parent), link);
  }

  /**
   * A role, §5.6.2 to §5.6.5: `targets` (parent `root`) or a delegated role, with the keys that this very parent lists.
   * @throws MissingMetadataError, LengthMismatchError, HashMismatchError, FormatError, UnsignedMetadataError, MismatchError,
   *   ExpiredError, RoleRevokedError
   */
  async updateRole(bytes: Uint8Array, role: string, parent: string): Promise<VerifiedRole> {
    if (this.nextRotation(role, parent) !== undefined) throw new Error(`the rotations of ${role} come before it`);
    const link = this.link(role, parent);
    checkNotRevoked(link, role);
    const { keys, roleKeys } = link;
    const meta = this.roleMeta(role);
    // §5.6.2
    await verifyContent(role, bytes, meta);
    const metadata = parsedAs(role, parseTargets, bytes);
    // §5.6.3
    const { keyids, valid, problems } = await checkSignatures(metadata, keys, roleKeys);
    if (valid < roleKeys.threshold) throw new UnsignedMetadataError(role, roleKeys.threshold, valid, problems);
    // §5.6.4
    const { version, expires, unrecognized } = metadata.signed;
    this.checkMembers(role, unrecognized);
    if (version !== meta.version) throw new MismatchError(role, meta.version, version);
    // §5.6.5
    this.checkFresh(role, expires);
    // Two contents of one version never both belong to one snapshot; else a role verified for one parent could hand
    // the keys of another one's copy to its children.
    const other = this.anyVerified(role);
    if (other !== undefined && !equalBytes(other.metadata.bytes, bytes)) throw new HashMismatchError(role);
    const verified: VerifiedRole = { metadata, keyids };
    const siblings = this.roles.get(parent) ?? new Map<string, VerifiedRole>();
    siblings.set(role, verified);
    this.roles.set(parent, siblings);
    return verified;
  }

  private get listed(): ReadonlyMap<string, MetaFile> | undefined {
    return this.provenMeta ?? this.currentSnapshot?.signed.meta;
  }

  /** The role's current keys, as far as its rotate files were followed. */
  private link(role: string, parent: string): ChainLink {
    const rotated = this.rotated.get(edgeKey(role, parent));
    if (rotated !== undefined) return rotated;
    const { keys, roleKeys } = this.delegation(role, parent);
    return chainStart(keys, roleKeys);
  }

  private delegation(role: string, parent: string): { keys: ReadonlyMap<string, PublicKey>; roleKeys: RoleKeys } {
    if (parent === 'root') {
      if (role !== 'targets') throw new Error(`root does not delegate to ${role}`);
      return { keys: this.currentRoot.signed.keys, roleKeys: topLevelKeys(this.currentRoot, 'targets') };
    }
    // Whichever edge the parent was reached by, updateRole saw to it that its bytes are the same.
    const delegations = this.anyVerified(parent)?.metadata.signed.delegations;
    const roleKeys = delegatedKeys(delegations, role);
    if (delegations === undefined || roleKeys === undefined) throw new Error(`${parent} does not delegate to ${role}`);
    return { keys: delegations.keys, roleKeys };
  }

  private anyVerified(role: string): VerifiedRole | undefined {
    for (const children of this.roles.values()) {
      const verified = children.get(role);
      if (verified !== undefined) return verified;
    }
    return undefined;
  }

  private checkFresh(role: string, expires: Date): void {
    if (expires.getTime() <= this.referenceTime.getTime()) throw new ExpiredError(role, expires, this.referenceTime);
  }
}

function isSameMeta(a: MetaFile, b: MetaFile): boolean {
  const text = ({ version, length, hashes = new Map() }: MetaFile): string =>
    JSON.stringify([version, length ?? null, [...hashes].map((pair) => pair.join(':')).sort()]);
  return a === b || text(a) === text(b);
}

function edgeKey(role: string, parent: string): string {
  return JSON.stringify([parent, role]);
}

/** A reader does not know what its bytes were to be; whoever is told about a failure wants to. */
function parsedAs<T>(role: string, parse: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(error.where, error.problem, error, role);
    throw error;
  }
}

async function verifyTopLevel(metadata: Metadata<unknown>, root: Metadata<Root>, role: TopLevelRole): Promise<void> {
  await verifySignatures(metadata, root.signed.keys, topLevelKeys(root, role), role);
}

function topLevelKeys(root: Metadata<Root>, role: TopLevelRole): RoleKeys {
  const keys = root.signed.roles.get(role);
  if (keys === undefined) throw new MissingMetadataError(role);
  return keys;
}

import { compareCodePoints } from '@holdfast/tuf';
import { FeedError } from '../errors.ts';
import type { RoleEntry } from '../snapshot-tree/cell.ts';
import { SnapshotTree } from '../snapshot-tree/tree.ts';
import type { FeedChange } from './changes.ts';
import { type ChunkPart, isComplete } from './chunk.ts';
import { feedPath } from './range.ts';

/** A publication as a verified timestamp names it. */
export interface PublishedState {
  /** Of the timestamp. */
  readonly version: number;
  /** Root hash of the snapshot tree, lower-case hex. */
  readonly root: string;
}

/** A role that the newer snapshot lists otherwise than the older one, or only one of them. */
export interface FollowedChange {
  readonly role: string;
  readonly before: RoleEntry | undefined;
  readonly after: RoleEntry | undefined;
}

/** What following the feed to a publication brought. */
export interface FollowedChanges {
  /** The newest root.json that the feed told of; 0 when it told of none. Not verified. */
  readonly rootVersion: number;
  /** The newest flat snapshot that the feed told of; 0 when it told of none. Not verified. */
  readonly snapshotVersion: number;
  /** The roles that differ, in no particular order, proven by the root hash. To be read before the feed is followed on. */
  changes(): Iterable<FollowedChange>;
}

/** Roles of a snapshot that anyone keeps: three times those of PyPI. */
const MAX_ROLES = 4 << 20;

/** A tree on its way from one publication to another, until its root hash is the one that a timestamp names. */
export class NextState {
  private readonly old: SnapshotTree;
  private tree: SnapshotTree;
  /** What the old tree said of each role that was touched; unused once everything begins anew. */
  private readonly before = new Map<string, RoleEntry | undefined>();
  private rootVersion = 0;
  private snapshotVersion = 0;
  private last: { readonly path: string; readonly part: number; readonly role: string | undefined } | undefined;

  constructor(tree: SnapshotTree) {
    this.old = tree;
    this.tree = tree;
  }

  /** @throws FeedError */
  apply({ head, changes, part }: ChunkPart): void {
    const path = feedPath(head, part);
    if (part === 0) {
      this.rootVersion = head.rootVersion || this.rootVersion;
      this.snapshotVersion = head.snapshotVersion || this.snapshotVersion;
      if (isComplete(head)) this.tree = new SnapshotTree();
    } else this.assertGoesOn(changes[0]?.role, path);
    for (const change of changes) {
      const { role } = change;
      if (this.tree === this.old && !this.before.has(role)) this.before.set(role, this.old.get(role));
      applyChange(this.tree, change, path);
    }
    if (this.tree.size > MAX_ROLES) throw new FeedError('too-large', path);
    this.last = { path, part, role: changes.at(-1)?.role };
  }

  /** @throws FeedError when this is not what the timestamp names */
  finish(to: PublishedState): FollowedChanges & { readonly tree: SnapshotTree } {
    if (this.tree.rootHash() !== to.root) throw new FeedError('fork', this.last?.path ?? `feed/0/${to.version}.0`);
    this.tree.commit();
    const { old, tree, before, rootVersion, snapshotVersion } = this;
    const changes = (): Iterable<FollowedChange> => (tree === old ? touched(before, tree) : difference(old, tree));
    return { tree, rootVersion, snapshotVersion, changes };
  }

  /** Leaves the old tree as it was. */
  discard(root: string): void {
    this.old.checkout(root);
    this.old.commit(); // Frees what was only tried.
  }

  private assertGoesOn(role: string | undefined, path: string): void {
    const { role: previous } = this.last ?? {};
    if (role !== undefined && previous !== undefined && compareCodePoints(previous, role) >= 0)
      throw new FeedError('disorder', path);
  }
}

/** @throws FeedError for a name without a place and for a cell that is too large: no snapshot has them */
export function applyChange(tree: SnapshotTree, { role, entry }: FeedChange, path: string): void {
  try {
    if (entry) tree.set(entry);
    else tree.remove(role);
  } catch (cause) {
    throw cause instanceof RangeError ? new FeedError('malformed', path, { cause }) : cause;
  }
}

function* touched(
  before: ReadonlyMap<string, RoleEntry | undefined>,
  tree: SnapshotTree,
): Generator<FollowedChange, void> {
  for (const [role, entry] of before) yield* changed(role, entry, tree.get(role));
}

function* difference(old: SnapshotTree, tree: SnapshotTree): Generator<FollowedChange, void> {
  for (const after of tree.entries()) yield* changed(after.role, old.get(after.role), after);
  for (const before of old.entries()) if (!tree.get(before.role)) yield* changed(before.role, before, undefined);
}

function* changed(
  role: string,
  before: RoleEntry | undefined,
  after: RoleEntry | undefined,
): Generator<FollowedChange, void> {
  const same =
    before?.version === after?.version && before?.sha256 === after?.sha256 && before?.length === after?.length;
  if (!same) yield { role, before, after };
}

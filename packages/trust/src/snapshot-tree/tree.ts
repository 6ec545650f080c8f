import { toHex } from '../hex.ts';
import { Arena, type NodeId } from './arena.ts';
import { decodeCell, encodeRole, findRole, type RoleEntry, withoutRole, withRole } from './cell.ts';
import { bitAt, commonBits, cut, type Position, rolePosition } from './position.ts';
import { encodeProof, pathTo } from './proof.ts';

/** How many finished versions are kept for proofs: at eight publications a second, half a minute for slow readers. */
export const KEPT_VERSIONS = 256;

interface Version {
  readonly node: NodeId;
  readonly count: number;
}

/**
 * The roles of a repository as a Merkle prefix tree (TAP 16): version, length and hash of each. Its root hash stands for the whole
 * snapshot; the path to a bin proves every role of that bin, present or absent. Changing a role costs O(log n) of the number of
 * roles, forgetting a version what it alone had, and roles that are set in the order of their bins take no path twice.
 * Format: docs/formats/snapshot-tree.md.
 */
export class SnapshotTree {
  private readonly arena = new Arena();
  private root: NodeId = 0;
  private count = 0;
  /** From the root to where the last change was; no node of it is finished. */
  private readonly path: NodeId[] = [];
  private readonly versions = new Map<string, Version>();

  /** Sets what the next version says about a role. @throws RangeError for a name that is no role's */
  set(entry: RoleEntry): void {
    const position = placeOf(entry.role);
    const encoded = encodeRole(entry);
    const node = this.reach(position);
    const before = this.arena.cell(node);
    const after = withRole(before, encoded);
    if (after.length > before.length) this.count++;
    this.arena.setCell(node, after);
  }

  /** The next version does not list the role. Fine if there is none. */
  remove(role: string): void {
    const position = placeOf(role);
    if (findRole(this.cellAt(position), role) === undefined) return;
    const node = this.reach(position);
    this.arena.setCell(node, withoutRole(this.arena.cell(node), role));
    this.count--;
    this.prune();
  }

  /** The root hash that {@link commit} would return now, lower-case hex. */
  rootHash(): string {
    this.path.length = 0;
    return toHex(this.arena.hash(this.root));
  }

  /** Finishes a version. @returns its root hash, lower-case hex */
  commit(): string {
    const hash = this.rootHash();
    const version = { node: this.arena.keep(this.root), count: this.count };
    this.forget(hash);
    this.versions.set(hash, version);
    for (const oldest of this.versions.keys()) {
      if (this.versions.size <= KEPT_VERSIONS) break;
      this.forget(oldest);
    }
    return hash;
  }

  /**
   * Goes on from a finished version; what was changed since is forgotten.
   * @returns false when that version is not kept any more
   */
  checkout(rootHash: string): boolean {
    const version = this.versions.get(rootHash);
    if (version === undefined) return false;
    this.arena.keep(version.node);
    this.arena.release(this.root);
    this.root = version.node;
    this.count = version.count;
    this.path.length = 0;
    return true;
  }

  /**
   * Proves all roles at positions that lead to `bin` (6 hex digits), in the version with this root hash.
   * @returns `undefined` when that version is not kept any more
   */
  prove(rootHash: string, bin: string): Uint8Array | undefined {
    const version = this.versions.get(rootHash);
    return version && encodeProof(this.arena, version.node, Number.parseInt(bin, 16));
  }

  /** The roles that {@link prove} shows, for who needs no proof. */
  leadingTo(rootHash: string, bin: string): readonly RoleEntry[] | undefined {
    const version = this.versions.get(rootHash);
    return (
      version &&
      pathTo(this.arena, version.node, Number.parseInt(bin, 16)).nodes.flatMap((node) => this.entriesOf(node))
    );
  }

  /** What the last finished or begun version says about a role. */
  get(role: string): RoleEntry | undefined {
    const position = rolePosition(role);
    return position && findRole(this.cellAt(position), role);
  }

  /**
   * Every cell of the version with this root hash, by position; the bytes are not to be kept. Once reading began, it may be as slow as
   * anyone likes, while newer versions are made and this one is forgotten; its memory is free again when the iterator is closed.
   * @returns `undefined` when that version is not kept any more
   * @throws RangeError when it is forgotten before reading begins
   */
  cells(rootHash: string): Iterable<Uint8Array> | undefined {
    return this.versions.has(rootHash) ? this.cellsOf(rootHash) : undefined;
  }

  /** How many roles there are. */
  get size(): number {
    return this.count;
  }

  /** Bytes of memory that all kept versions take. */
  get memory(): number {
    return this.arena.size;
  }

  /** Every role, by position, as it is when reading begins. */
  *entries(): Generator<RoleEntry, void> {
    this.rootHash(); // Finishes all nodes, so that later changes leave them as they are.
    for (const node of this.nodes(this.root)) yield* this.entriesOf(node);
  }

  private *cellsOf(rootHash: string): Generator<Uint8Array, void> {
    const version = this.versions.get(rootHash);
    if (!version) throw new RangeError(`the version ${rootHash} is not kept any more`);
    for (const node of this.nodes(version.node)) {
      const cell = this.arena.cell(node);
      if (cell.length > 0) yield cell;
    }
  }

  /** Nodes of a finished version, which stay as long as they are read. */
  private *nodes(top: NodeId): Generator<NodeId, void> {
    this.arena.keep(top);
    try {
      yield* this.arena.nodesFrom(top);
    } finally {
      this.arena.release(top);
    }
  }

  private forget(hash: string): void {
    this.arena.release(this.versions.get(hash)?.node ?? 0);
    this.versions.delete(hash);
  }

  private entriesOf(node: NodeId): readonly RoleEntry[] {
    return decodeCell(this.arena.cell(node), this.arena.position(node));
  }

  private cellAt(position: Position): Uint8Array {
    const { arena } = this;
    let node = this.root;
    while (node !== 0 && arena.depth(node) < position.depth)
      node = arena.child(node, bitAt(position.bits, arena.depth(node)));
    const there = node !== 0 && arena.leadsTo(node, position) && arena.depth(node) === position.depth;
    return arena.cell(there ? node : 0);
  }

  /** The node at a position, made where there is none, ready to be changed: so are all above it, which become the path. */
  private reach(position: Position): NodeId {
    const { arena, path } = this;
    while (path.length > 0 && !arena.leadsTo(path.at(-1) ?? 0, position)) path.pop();
    for (;;) {
      const above = path.at(-1) ?? 0;
      if (above !== 0 && arena.depth(above) === position.depth) return above;
      const next = above === 0 ? this.root : arena.child(above, bitAt(position.bits, arena.depth(above)));
      const own = this.towards(next, position);
      if (own !== next) this.link(above, position, own);
      path.push(own);
    }
  }

  /** What stands where `next` stood, once a node at `position` is there or below. */
  private towards(next: NodeId, position: Position): NodeId {
    const { arena } = this;
    if (next === 0) return arena.create(position);
    if (arena.leadsTo(next, position)) return arena.own(next);
    const bits = arena.bits(next);
    const common = Math.min(commonBits(bits, position.bits), arena.depth(next), position.depth);
    const fork = arena.create({ bits: cut(position.bits, common), depth: common });
    arena.setChild(fork, bitAt(bits, common), next);
    return fork;
  }

  /** A node without a cell and with less than two children does not exist. */
  private prune(): void {
    const { arena, path } = this;
    for (let node = path.at(-1); node !== undefined && !arena.hasCell(node); node = path.at(-1)) {
      const [zero, one] = [arena.zero(node), arena.one(node)];
      if (zero !== 0 && one !== 0) return;
      path.pop();
      this.link(path.at(-1) ?? 0, arena.position(node), arena.keep(zero === 0 ? one : zero));
      arena.release(node);
    }
  }

  /** Puts a node below another, or at the top for 0. */
  private link(above: NodeId, { bits }: Position, node: NodeId): void {
    if (above === 0) this.root = node;
    else this.arena.setChild(above, bitAt(bits, this.arena.depth(above)), node);
  }
}

function placeOf(role: string): Position {
  const position = rolePosition(role);
  if (position === undefined) throw new RangeError(`${JSON.stringify(role)} has no place in a snapshot tree`);
  return position;
}

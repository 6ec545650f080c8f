import { toHex } from '../hex.ts';
import { Arena, type CellId, type NodeId } from './arena.ts';
import { decodeCell, encodeCell, type RoleEntry } from './cell.ts';
import { bitAt, commonBits, cut, type Position, rolePosition } from './position.ts';
import { encodeProof, pathTo } from './proof.ts';

/** How many finished versions are kept for proofs: at eight publications a second, half a minute for slow readers. */
export const KEPT_VERSIONS = 256;
/** Dead nodes that are worth a copy: a small tree is not copied at every turn. */
const LEAST_GARBAGE = 100_000;
/** The same for the bytes of cells: a version that changes one large cell again and again would fill the memory. */
const LEAST_GARBAGE_BYTES = 256 << 20;

/**
 * The roles of a repository as a Merkle prefix tree (TAP 16): version, length and hash of each. Its root hash stands for the whole
 * snapshot; the path to a bin proves every role of that bin, present or absent. Changing a role costs O(log n) of the number of
 * roles. Format: docs/formats/snapshot-tree.md.
 */
export class SnapshotTree {
  private arena = new Arena();
  private root: NodeId = 0;
  /** Nodes below this number belong to finished versions and are not changed any more. */
  private frozen: NodeId = 1;
  private live = 1;
  private liveBytes = 0;
  private count = 0;
  private readonly versions = new Map<string, { readonly node: NodeId; readonly count: number }>();

  /** Sets what the next version says about a role. @throws RangeError for a name that is no role's */
  set(entry: RoleEntry): void {
    this.change(entry.role, entry);
  }

  /** The next version does not list the role. Fine if there is none. */
  remove(role: string): void {
    this.change(role, undefined);
  }

  /** The root hash that {@link commit} would return now, lower-case hex. */
  rootHash(): string {
    return toHex(this.arena.hash(this.root));
  }

  /** Finishes a version. @returns its root hash, lower-case hex */
  commit(): string {
    const hash = this.rootHash();
    this.versions.delete(hash);
    this.versions.set(hash, { node: this.root, count: this.count });
    for (const oldest of this.versions.keys()) {
      if (this.versions.size <= KEPT_VERSIONS) break;
      this.versions.delete(oldest);
    }
    if (this.arena.nodes > 2 * this.live + LEAST_GARBAGE) this.compact();
    this.frozen = this.arena.nodes;
    return hash;
  }

  /**
   * Goes on from a finished version; what was changed since is forgotten.
   * @returns false when that version is not kept any more
   */
  checkout(rootHash: string): boolean {
    const version = this.versions.get(rootHash);
    if (version === undefined) return false;
    this.root = version.node;
    this.count = version.count;
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
      pathTo(this.arena, version.node, Number.parseInt(bin, 16)).nodes.flatMap((node) =>
        this.entriesOf(this.arena.cell(node), this.arena.position(node)),
      )
    );
  }

  /** What the last finished or begun version says about a role. */
  get(role: string): RoleEntry | undefined {
    const position = rolePosition(role);
    if (position === undefined) return undefined;
    let node = this.root;
    while (node !== 0) {
      const at = this.arena.position(node);
      if (at.depth >= position.depth) {
        const cell = at.depth === position.depth && at.bits === position.bits ? this.arena.cell(node) : 0;
        return this.entriesOf(cell, position).find((entry) => entry.role === role);
      }
      node = this.arena.child(node, bitAt(position.bits, at.depth));
    }
    return undefined;
  }

  /**
   * Every cell of the version with this root hash, by position. It may be read as slowly as anyone likes, while newer versions
   * are made and this one is forgotten: what is finished never changes.
   * @returns `undefined` when that version is not kept any more
   */
  cells(rootHash: string): Iterable<Uint8Array> | undefined {
    const version = this.versions.get(rootHash);
    return version && this.arena.cellsFrom(version.node);
  }

  /** How many roles there are. */
  get size(): number {
    return this.count;
  }

  /** Every role, by position. */
  *entries(node = this.root): Generator<RoleEntry, void> {
    if (node === 0) return;
    yield* this.entriesOf(this.arena.cell(node), this.arena.position(node));
    yield* this.entries(this.arena.zero(node));
    yield* this.entries(this.arena.one(node));
  }

  private change(role: string, entry: RoleEntry | undefined): void {
    const position = rolePosition(role);
    if (position === undefined) throw new RangeError(`${JSON.stringify(role)} has no place in a snapshot tree`);
    this.root = this.changed(this.root, position, (cell) => {
      const listed = this.entriesOf(cell, position);
      const others = listed.filter((known) => known.role !== role);
      this.count += (entry === undefined ? 0 : 1) - (listed.length - others.length);
      return this.arena.addCell(encodeCell(entry === undefined ? others : [...others, entry]));
    });
    if (this.arena.bytes > 2 * this.liveBytes + LEAST_GARBAGE_BYTES) {
      this.compact();
      this.frozen = this.arena.nodes;
    }
  }

  /** The node that takes the place of `node` when the cell at `position` changes. */
  private changed(node: NodeId, position: Position, change: (cell: CellId) => CellId): NodeId {
    const { arena } = this;
    if (node === 0) return this.leaf(position, change);
    const at = arena.position(node);
    const common = Math.min(commonBits(at.bits, position.bits), at.depth, position.depth);
    if (common < at.depth) {
      if (common === position.depth) return this.above(node, position, change);
      const leaf = this.leaf(position, change);
      if (leaf === 0) return node;
      const fork = { bits: cut(position.bits, common), depth: common };
      return bitAt(position.bits, common) === 0
        ? arena.addNode(fork, 0, leaf, node)
        : arena.addNode(fork, 0, node, leaf);
    }
    if (position.depth === at.depth)
      return this.with(node, change(arena.cell(node)), arena.zero(node), arena.one(node));
    const bit = bitAt(position.bits, at.depth);
    const child = this.changed(this.arena.child(node, bit), position, change);
    const [zero, one] = bit === 0 ? [child, arena.one(node)] : [arena.zero(node), child];
    return this.with(node, arena.cell(node), zero, one);
  }

  private leaf(position: Position, change: (cell: CellId) => CellId): NodeId {
    const cell = change(0);
    return cell === 0 ? 0 : this.arena.addNode(position, cell, 0, 0);
  }

  /** A cell at a position that leads to `node`. */
  private above(node: NodeId, position: Position, change: (cell: CellId) => CellId): NodeId {
    const cell = change(0);
    if (cell === 0) return node;
    return bitAt(this.arena.position(node).bits, position.depth) === 0
      ? this.arena.addNode(position, cell, node, 0)
      : this.arena.addNode(position, cell, 0, node);
  }

  /** The node with other content; a node without a cell and with less than two children does not exist. */
  private with(node: NodeId, cell: CellId, zero: NodeId, one: NodeId): NodeId {
    if (cell === 0 && (zero === 0 || one === 0)) return zero === 0 ? one : zero;
    if (node < this.frozen) return this.arena.addNode(this.arena.position(node), cell, zero, one);
    this.arena.setContent(node, cell, zero, one);
    return node;
  }

  private entriesOf(cell: CellId, position: Position): readonly RoleEntry[] {
    return cell === 0 ? [] : decodeCell(this.arena.cellContent(cell), position);
  }

  private compact(): void {
    const arena = new Arena();
    const known = new Uint32Array(this.arena.nodes);
    for (const [hash, { node, count }] of this.versions)
      this.versions.set(hash, { node: arena.copyFrom(this.arena, node, known), count });
    this.root = arena.copyFrom(this.arena, this.root, known);
    this.arena = arena;
    this.live = arena.nodes;
    this.liveBytes = arena.bytes;
  }
}

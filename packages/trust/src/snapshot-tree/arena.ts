import { cellHash, HASH_BYTES, nodeHash, NOTHING } from './hashing.ts';
import type { Position } from './position.ts';

/** A node by its number; 0 is none. */
export type NodeId = number;
/** A cell by the offset of its length in the heap; 0 is none. */
export type CellId = number;

const HASHED = 0x8000_0000;
const DEPTH_BITS = 5;

/**
 * Nodes and cells of many versions of a tree in a few arrays: a million roles as objects would keep the garbage collector
 * busy. Nothing is freed one by one; what is still needed is copied to a new arena.
 */
export class Arena {
  /** Nodes in use, none included. */
  nodes = 1;
  private cellBytes = 4;
  /** `bits` and `depth`, and at the top whether the hash is there. */
  private places = new Uint32Array(1024);
  private zeros = new Uint32Array(1024);
  private ones = new Uint32Array(1024);
  private cells = new Uint32Array(1024);
  private hashes = new Uint8Array(1024 * HASH_BYTES);
  private heap = new Uint8Array(64 * 1024);

  /** Bytes of all cells, those included that no node has any more. */
  get bytes(): number {
    return this.cellBytes;
  }

  position(node: NodeId): Position {
    const place = (this.places[node] ?? 0) & ~HASHED;
    return { bits: place >>> DEPTH_BITS, depth: place & ((1 << DEPTH_BITS) - 1) };
  }

  zero(node: NodeId): NodeId {
    return this.zeros[node] ?? 0;
  }

  one(node: NodeId): NodeId {
    return this.ones[node] ?? 0;
  }

  child(node: NodeId, bit: 0 | 1): NodeId {
    return bit === 0 ? this.zero(node) : this.one(node);
  }

  cell(node: NodeId): CellId {
    return this.cells[node] ?? 0;
  }

  cellContent(cell: CellId): Uint8Array {
    if (cell === 0) return new Uint8Array();
    const length = new DataView(this.heap.buffer).getUint32(cell);
    return this.heap.subarray(cell + 4, cell + 4 + length);
  }

  /** The cells of a node and of all below it, by position; the bytes are not to be kept. */
  *cellsFrom(top: NodeId): Generator<Uint8Array, void> {
    const open = [top];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node === 0) continue;
      const cell = this.cell(node);
      if (cell !== 0) yield this.cellContent(cell);
      open.push(this.one(node), this.zero(node));
    }
  }

  addCell(content: Uint8Array): CellId {
    if (content.length === 0) return 0;
    const cell = this.cellBytes;
    this.cellBytes += 4 + content.length;
    if (this.cellBytes > this.heap.length) this.heap = grown(this.heap, Math.max(this.cellBytes, this.heap.length * 2));
    new DataView(this.heap.buffer).setUint32(cell, content.length);
    this.heap.set(content, cell + 4);
    return cell;
  }

  addNode({ bits, depth }: Position, cell: CellId, zero: NodeId, one: NodeId): NodeId {
    const node = this.nodes++;
    if (node >= this.places.length) this.grow();
    this.places[node] = (bits << DEPTH_BITS) | depth;
    this.setContent(node, cell, zero, one);
    return node;
  }

  /** Only for a node that no finished version holds. */
  setContent(node: NodeId, cell: CellId, zero: NodeId, one: NodeId): void {
    this.places[node] = (this.places[node] ?? 0) & ~HASHED;
    this.cells[node] = cell;
    this.zeros[node] = zero;
    this.ones[node] = one;
  }

  /** Of the node and all below it; each is computed once. */
  hash(node: NodeId): Uint8Array {
    if (node === 0) return NOTHING;
    const place = this.places[node] ?? 0;
    const stored = this.hashes.subarray(node * HASH_BYTES, (node + 1) * HASH_BYTES);
    if ((place & HASHED) !== 0) return stored;
    const cell = this.cell(node);
    const cellPart = cell === 0 ? NOTHING : cellHash(this.cellContent(cell));
    stored.set(nodeHash(this.position(node), cellPart, this.hash(this.zero(node)), this.hash(this.one(node))));
    this.places[node] = place | HASHED;
    return stored;
  }

  /** Copies a node with all below it, and its hash. `known` maps what was copied before, so that versions go on sharing. */
  copyFrom(other: Arena, node: NodeId, known: Uint32Array): NodeId {
    if (node === 0) return 0;
    const before = known[node] ?? 0;
    if (before !== 0) return before;
    const zero = this.copyFrom(other, other.zero(node), known);
    const one = this.copyFrom(other, other.one(node), known);
    const cell = this.addCell(other.cellContent(other.cell(node)));
    const copy = this.addNode(other.position(node), cell, zero, one);
    this.hashes.set(other.hash(node), copy * HASH_BYTES);
    this.places[copy] = (this.places[copy] ?? 0) | HASHED;
    known[node] = copy;
    return copy;
  }

  private grow(): void {
    const size = this.places.length * 2;
    this.places = grown(this.places, size);
    this.zeros = grown(this.zeros, size);
    this.ones = grown(this.ones, size);
    this.cells = grown(this.cells, size);
    this.hashes = grown(this.hashes, size * HASH_BYTES);
  }
}

function grown<T extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: T, length: number): T {
  const larger = (array instanceof Uint8Array ? new Uint8Array(length) : new Uint32Array(length)) as T;
  larger.set(array);
  return larger;
}

import { CellHeap, type CellId } from './cell-heap.ts';
import { HASH_BYTES, NodeHasher, NOTHING } from './hashing.ts';
import { cut, type Position } from './position.ts';

/** A node by its number; 0 is none. */
export type NodeId = number;

/** `bits` and `depth`, and at the top whether the node is finished: its hash is there. */
const PLACE = 0;
const ZERO = 1;
const ONE = 2;
const CELL = 3;
/** How many nodes and others have this one. Where nobody has: the next such node. */
const REFERENCES = 4;
const HASH = 5;
const WORDS = HASH + HASH_BYTES / Uint32Array.BYTES_PER_ELEMENT;

const FINISHED = 0x8000_0000;
const DEPTH_BITS = 5;
/** A segment never moves: to grow is to begin another one. */
const SEGMENT_BITS = 12;
const SEGMENT_NODES = 1 << SEGMENT_BITS;
/** Nodes that nobody has which are taken apart for each new one: so they get fewer at any load, and nobody waits for it. */
const TAKEN_APART = 4;

/**
 * Nodes and cells of many versions of a tree in large arrays: a million roles as objects would keep the garbage collector busy. Both
 * count who has them; what nobody has is used again. Whoever gets a node owns one reference to it, and gives it on or releases it.
 * A finished node never changes, and all below it are finished; one that is not finished has one owner.
 */
export class Arena {
  private readonly heap = new CellHeap();
  private readonly words: Uint32Array[] = [];
  private readonly bytes: Uint8Array[] = [];
  private readonly hasher = new NodeHasher();
  private used = 1;
  /** First of the list of nodes that nobody has, but that still have their children and cells. */
  private discarded: NodeId = 0;
  /** First of the list of nodes that can be used again. */
  private free: NodeId = 0;

  /** Bytes of memory. */
  get size(): number {
    return this.heap.size + this.words.length * SEGMENT_NODES * WORDS * Uint32Array.BYTES_PER_ELEMENT;
  }

  position(node: NodeId): Position {
    return { bits: this.bits(node), depth: this.depth(node) };
  }

  bits(node: NodeId): number {
    return (this.word(node, PLACE) & ~FINISHED) >>> DEPTH_BITS;
  }

  depth(node: NodeId): number {
    return this.word(node, PLACE) & ((1 << DEPTH_BITS) - 1);
  }

  leadsTo(node: NodeId, { bits, depth }: Position): boolean {
    const own = this.depth(node);
    return own <= depth && cut(bits, own) === this.bits(node);
  }

  zero(node: NodeId): NodeId {
    return this.word(node, ZERO);
  }

  one(node: NodeId): NodeId {
    return this.word(node, ONE);
  }

  child(node: NodeId, bit: 0 | 1): NodeId {
    return this.word(node, bit === 0 ? ZERO : ONE);
  }

  hasCell(node: NodeId): boolean {
    return this.word(node, CELL) !== 0;
  }

  /** Empty where there is none. The bytes are not to be kept. */
  cell(node: NodeId): Uint8Array {
    return this.heap.content(this.cellId(node));
  }

  /** The node and all below it, by position. */
  *nodesFrom(top: NodeId): Generator<NodeId, void> {
    const open = [top];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node === 0) continue;
      yield node;
      open.push(this.one(node), this.zero(node));
    }
  }

  /** A node without a cell and without children. */
  create({ bits, depth }: Position): NodeId {
    const node = this.reusable();
    this.setWord(node, PLACE, (bits << DEPTH_BITS) | depth);
    this.setWord(node, ZERO, 0);
    this.setWord(node, ONE, 0);
    this.setWord(node, CELL, 0);
    this.setWord(node, REFERENCES, 1);
    return node;
  }

  /** Exchanges a node for one that can be changed: itself or a copy. */
  own(node: NodeId): NodeId {
    if (!this.isFinished(node)) return node;
    const copy = this.create(this.position(node));
    for (const bit of [0, 1] as const) this.setChild(copy, bit, this.keep(this.child(node, bit)));
    this.setWord(copy, CELL, this.cellId(node));
    this.heap.keep(this.cellId(node));
    this.release(node);
    return copy;
  }

  /** Of a node that is not finished. It takes over the child; the one before is not released. */
  setChild(node: NodeId, bit: 0 | 1, child: NodeId): void {
    this.setWord(node, bit === 0 ? ZERO : ONE, child);
  }

  /** Of a node that is not finished. */
  setCell(node: NodeId, content: Uint8Array): void {
    this.heap.release(this.cellId(node));
    this.setWord(node, CELL, this.heap.add(content));
  }

  /** One reference more. @returns the node */
  keep(node: NodeId): NodeId {
    if (node !== 0) this.setWord(node, REFERENCES, this.word(node, REFERENCES) + 1);
    return node;
  }

  /** One reference less. */
  release(node: NodeId): void {
    if (node === 0) return;
    const left = this.word(node, REFERENCES) - 1;
    this.setWord(node, REFERENCES, left === 0 ? this.discarded : left);
    if (left === 0) this.discarded = node;
  }

  /** Finishes the node and all below it. @returns its hash, not to be kept */
  hash(node: NodeId): Uint8Array {
    if (node === 0) return NOTHING;
    this.finish(node);
    const start = (this.at(node) + HASH) * Uint32Array.BYTES_PER_ELEMENT;
    return this.segmentBytes(node).subarray(start, start + HASH_BYTES);
  }

  private finish(node: NodeId): void {
    const place = this.word(node, PLACE);
    if (node === 0 || (place & FINISHED) !== 0) return;
    const [zero, one] = [this.zero(node), this.one(node)];
    this.finish(zero);
    this.finish(one);
    const { hasher } = this;
    hasher.place(this.depth(node), this.bits(node));
    hasher.cell(this.cell(node));
    if (zero === 0) hasher.noChild(0);
    else hasher.child(0, this.segment(zero), this.at(zero) + HASH);
    if (one === 0) hasher.noChild(1);
    else hasher.child(1, this.segment(one), this.at(one) + HASH);
    hasher.write(this.segmentBytes(node), (this.at(node) + HASH) * Uint32Array.BYTES_PER_ELEMENT);
    this.setWord(node, PLACE, place | FINISHED);
  }

  private isFinished(node: NodeId): boolean {
    return (this.word(node, PLACE) & FINISHED) !== 0;
  }

  private cellId(node: NodeId): CellId {
    return this.word(node, CELL);
  }

  private reusable(): NodeId {
    for (let times = 0; times < TAKEN_APART && this.discarded !== 0; times++) this.takeApart(this.discarded);
    const node = this.free;
    if (node === 0) return this.carve();
    this.free = this.word(node, REFERENCES);
    return node;
  }

  private takeApart(node: NodeId): void {
    this.discarded = this.word(node, REFERENCES);
    this.heap.release(this.cellId(node));
    this.release(this.zero(node));
    this.release(this.one(node));
    this.setWord(node, REFERENCES, this.free);
    this.free = node;
  }

  private carve(): NodeId {
    if (this.used >>> SEGMENT_BITS === this.words.length) {
      const words = new Uint32Array(SEGMENT_NODES * WORDS);
      this.words.push(words);
      this.bytes.push(new Uint8Array(words.buffer));
    }
    return this.used++;
  }

  private at(node: NodeId): number {
    return (node % SEGMENT_NODES) * WORDS;
  }

  private segment(node: NodeId): Uint32Array {
    return this.words[node >>> SEGMENT_BITS] ?? new Uint32Array();
  }

  private segmentBytes(node: NodeId): Uint8Array {
    return this.bytes[node >>> SEGMENT_BITS] ?? new Uint8Array();
  }

  private word(node: NodeId, field: number): number {
    return this.words[node >>> SEGMENT_BITS]?.[this.at(node) + field] ?? 0;
  }

  private setWord(node: NodeId, field: number, value: number): void {
    const words = this.words[node >>> SEGMENT_BITS];
    if (words) words[this.at(node) + field] = value;
  }
}

import { ProofError } from '../errors.ts';
import { toHex } from '../hex.ts';
import type { Arena, NodeId } from './arena.ts';
import { decodeCell, type RoleEntry } from './cell.ts';
import { cellHash, HASH_BYTES, nodeHash, NOTHING } from './hashing.ts';
import { binPosition, bitAt, cut, type Position, TREE_DEPTH } from './position.ts';

const FORMAT = 1;
const HAS_CELL = 1;
const HAS_SIBLING = 2;
/** Longer than any true one: 25 nodes, each with a sibling and the largest cell, are never all there. */
export const MAX_PROOF_BYTES = 256 * 1024;

/** What follows the last node on the path: nothing, or a node that leads elsewhere. */
const ENDS = 0;
const LEAVES = 1;

interface Path {
  /** The nodes whose positions lead to the bin, from the top. */
  readonly nodes: readonly NodeId[];
  /** The node that stands further down and does not lead to the bin; 0 when there is none. */
  readonly beyond: NodeId;
}

/** The way to a bin, given as 24 bits. */
export function pathTo(arena: Arena, root: NodeId, bits: number): Path {
  const nodes: NodeId[] = [];
  let node = root;
  while (node !== 0) {
    const at = arena.position(node);
    if (cut(bits, at.depth) !== at.bits) break;
    nodes.push(node);
    if (at.depth === TREE_DEPTH) return { nodes, beyond: 0 };
    node = arena.child(node, bitAt(bits, at.depth));
  }
  return { nodes, beyond: node };
}

/** docs/formats/snapshot-tree.md, "Proof". */
export function encodeProof(arena: Arena, root: NodeId, bits: number): Uint8Array {
  const out = new Output();
  out.byte(FORMAT);
  const { nodes, beyond } = pathTo(arena, root, bits);
  for (const node of nodes) {
    const { depth } = arena.position(node);
    // A node of full depth has no children.
    const sibling = depth === TREE_DEPTH ? 0 : arena.child(node, bitAt(bits, depth) === 0 ? 1 : 0);
    const cell = arena.cell(node);
    out.byte(depth);
    out.byte((cell.length > 0 ? HAS_CELL : 0) | (sibling !== 0 ? HAS_SIBLING : 0));
    if (cell.length > 0) {
      out.byte(cell.length >>> 8);
      out.byte(cell.length & 0xff);
      out.bytes(cell);
    }
    if (sibling !== 0) out.bytes(arena.hash(sibling));
  }
  out.byte(0xff);
  out.byte(beyond === 0 ? ENDS : LEAVES);
  if (beyond !== 0) {
    const at = arena.position(beyond);
    const cell = arena.cell(beyond);
    for (const byte of [at.depth, at.bits >>> 16, (at.bits >>> 8) & 0xff, at.bits & 0xff]) out.byte(byte);
    out.bytes(cell.length === 0 ? NOTHING : cellHash(cell));
    out.bytes(arena.hash(arena.zero(beyond)));
    out.bytes(arena.hash(arena.one(beyond)));
  }
  return out.finish();
}

interface Step {
  readonly position: Position;
  readonly cell: Uint8Array;
  readonly sibling: Uint8Array;
}

/**
 * All roles that the snapshot with this root hash has at positions that lead to `bin` (6 hex digits). A role whose position is one of
 * those and that is not in the answer is proven absent.
 * @param rootHash lower-case hex, from verified metadata
 * @throws ProofError
 */
export function verifyProof(rootHash: string, bin: string, proof: Uint8Array): ReadonlyMap<string, RoleEntry> {
  if (proof.length > MAX_PROOF_BYTES) throw new ProofError('it is too long');
  const { bits } = binPosition(bin);
  const input = new Input(proof);
  if (input.byte() !== FORMAT) throw new ProofError('it is in an unknown format');
  const steps = readSteps(input, bits);
  let hash = readEnd(input, bits, steps.at(-1)?.position);
  input.end();
  const roles = new Map<string, RoleEntry>();
  for (const { position, cell, sibling } of steps.toReversed()) {
    for (const entry of decodeCell(cell, position)) roles.set(entry.role, entry);
    const onZero = position.depth === TREE_DEPTH || bitAt(bits, position.depth) === 0;
    hash = nodeHash(
      position,
      cell.length === 0 ? NOTHING : cellHash(cell),
      onZero ? hash : sibling,
      onZero ? sibling : hash,
    );
  }
  if (toHex(hash) !== rootHash) throw new ProofError('it belongs to another snapshot, or was changed');
  return roles;
}

function readSteps(input: Input, bits: number): readonly Step[] {
  const steps: Step[] = [];
  let above = -1;
  for (let depth = input.byte(); depth !== 0xff; depth = input.byte()) {
    if (depth <= above || depth > TREE_DEPTH) throw new ProofError('its path does not lead down');
    above = depth;
    const flags = input.byte();
    if ((flags & ~(HAS_CELL | HAS_SIBLING)) !== 0) throw new ProofError('it has unknown flags');
    const cell = (flags & HAS_CELL) === 0 ? new Uint8Array() : input.bytes(input.byte() * 256 + input.byte());
    if ((flags & HAS_CELL) !== 0 && cell.length === 0) throw new ProofError('it has an empty cell');
    const sibling = (flags & HAS_SIBLING) === 0 ? NOTHING : input.bytes(HASH_BYTES);
    steps.push({ position: { bits: cut(bits, depth), depth }, cell, sibling });
  }
  return steps;
}

/** @returns the hash of what stands where the path ends: nothing, or a node that does not lead to the bin */
function readEnd(input: Input, bits: number, last: Position | undefined): Uint8Array {
  const kind = input.byte();
  if (kind === ENDS) return NOTHING;
  if (kind !== LEAVES) throw new ProofError('it has an unknown end');
  const depth = input.byte();
  const own = input.byte() * 65536 + input.byte() * 256 + input.byte();
  const lower = depth <= TREE_DEPTH && depth > (last?.depth ?? -1) && cut(own, depth) === own;
  if (!lower || cut(bits, depth) === own) throw new ProofError('it ends before the path does');
  return nodeHash({ bits: own, depth }, input.bytes(HASH_BYTES), input.bytes(HASH_BYTES), input.bytes(HASH_BYTES));
}

class Input {
  private readonly data: Uint8Array;
  private at = 0;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  byte(): number {
    const byte = this.data[this.at++];
    if (byte === undefined) throw new ProofError('it ends too early');
    return byte;
  }

  bytes(length: number): Uint8Array {
    this.at += length;
    if (this.at > this.data.length) throw new ProofError('it ends too early');
    return this.data.subarray(this.at - length, this.at);
  }

  end(): void {
    if (this.at !== this.data.length) throw new ProofError('something follows its end');
  }
}

class Output {
  private data = new Uint8Array(4096);
  private length = 0;

  byte(byte: number): void {
    this.reserve(1);
    this.data[this.length++] = byte;
  }

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  finish(): Uint8Array {
    return this.data.slice(0, this.length);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.data.length) return;
    const larger = new Uint8Array(Math.max(this.length + more, this.data.length * 2));
    larger.set(this.data);
    this.data = larger;
  }
}

import { sha256, sha256Into } from '#sha256';
import type { Position } from './position.ts';

export const HASH_BYTES = 32;
const HASH_WORDS = HASH_BYTES / Uint32Array.BYTES_PER_ELEMENT;
const CELL = 0;
const NODE = 1;
const NODE_BYTES = 5 + 3 * HASH_BYTES;

/** Stands for what is not there: no cell, no child, an empty tree. */
export const NOTHING: Uint8Array = new Uint8Array(HASH_BYTES);

/** SHA-256 of 0x00 and the cell. */
export function cellHash(cell: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + cell.length);
  message[0] = CELL;
  message.set(cell, 1);
  return sha256(message);
}

/**
 * SHA-256 of 0x01, the depth in one byte, the position's bits in three, and the hashes of the cell, of the child for a 0 bit and of the
 * child for a 1 bit, each 32 bytes or {@link NOTHING}. Cells and nodes begin differently, so none passes for the other.
 */
export function nodeHash({ bits, depth }: Position, cell: Uint8Array, zero: Uint8Array, one: Uint8Array): Uint8Array {
  const message = new Uint8Array(NODE_BYTES);
  message.set([NODE, depth, bits >>> 16, (bits >>> 8) & 0xff, bits & 0xff]);
  message.set(cell, 5);
  message.set(zero, 5 + HASH_BYTES);
  message.set(one, 5 + 2 * HASH_BYTES);
  return sha256(message);
}

/** The same as {@link nodeHash}, for millions of nodes: one message is written again and again. */
export class NodeHasher {
  /** The message begins behind three bytes, so that its hashes begin where words do. */
  private readonly words = new Uint32Array(2 + 3 * HASH_WORDS);
  private readonly bytes = new Uint8Array(this.words.buffer);
  private readonly message = this.bytes.subarray(3, 3 + NODE_BYTES);
  private cellMessage = new Uint8Array(1024);

  place(depth: number, bits: number): void {
    const { message } = this;
    message[0] = NODE;
    message[1] = depth;
    message[2] = bits >>> 16;
    message[3] = bits >>> 8;
    message[4] = bits;
  }

  /** @param cell empty for none */
  cell(cell: Uint8Array): void {
    if (cell.length === 0) {
      this.words.fill(0, 2, 2 + HASH_WORDS);
      return;
    }
    if (cell.length >= this.cellMessage.length) this.cellMessage = new Uint8Array(cell.length * 2);
    this.cellMessage[0] = CELL;
    this.cellMessage.set(cell, 1);
    sha256Into(this.cellMessage.subarray(0, 1 + cell.length), this.bytes, 8);
  }

  noChild(bit: 0 | 1): void {
    const start = 2 + (1 + bit) * HASH_WORDS;
    this.words.fill(0, start, start + HASH_WORDS);
  }

  /** @param at where its hash begins in `words` */
  child(bit: 0 | 1, words: Uint32Array, at: number): void {
    const start = 2 + (1 + bit) * HASH_WORDS;
    for (let word = 0; word < HASH_WORDS; word++) this.words[start + word] = words[at + word] ?? 0;
  }

  /** Writes the hash to `target` from `at` on. */
  write(target: Uint8Array, at: number): void {
    sha256Into(this.message, target, at);
  }
}

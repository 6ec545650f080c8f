import { sha256 } from '#sha256';
import type { Position } from './position.ts';

export const HASH_BYTES = 32;
const CELL = 0;
const NODE = 1;

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
  const message = new Uint8Array(5 + 3 * HASH_BYTES);
  message.set([NODE, depth, bits >>> 16, (bits >>> 8) & 0xff, bits & 0xff]);
  message.set(cell, 5);
  message.set(zero, 5 + HASH_BYTES);
  message.set(one, 5 + 2 * HASH_BYTES);
  return sha256(message);
}

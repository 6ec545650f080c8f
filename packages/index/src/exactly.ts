/**
 * The same bytes in memory of their own, for what is kept: a small buffer of Node's is a part of a block of 64 KiB that stays as long
 * as any part of it is in use.
 */
export function exactly(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

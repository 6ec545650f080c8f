import { ArchiveFramingError } from '../../errors.ts';

/** Little-endian reading. Every offset is checked by DataView, whose RangeError means a cut record. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit number that JavaScript holds exactly. */
export function readSize64(view: DataView, offset: number): number {
  const value = view.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ArchiveFramingError('a size or offset is absurdly large');
  return Number(value);
}

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

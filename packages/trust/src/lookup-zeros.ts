import { ProofError } from './errors.ts';

const MOST_ZEROS = 255;

/** Bytes of which each run of zeros, up to 255 at a time, stands as one zero and their number: docs/formats/lookup.md, "Answer". */
export function packZeros(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(2 * bytes.length);
  let to = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at++] ?? 0;
    packed[to++] = byte;
    if (byte !== 0) continue;
    const first = at - 1;
    while (at - first < MOST_ZEROS && bytes[at] === 0) at++;
    packed[to++] = at - first;
  }
  return packed.slice(0, to);
}

/**
 * The bytes again.
 * @throws ProofError when they would be more than `maxLength`, or a zero has no number
 */
export function unpackZeros(packed: Uint8Array, maxLength: number): Uint8Array {
  const bytes = new Uint8Array(unpackedLength(packed, maxLength));
  let to = 0;
  for (let at = 0; at < packed.length; at++) {
    const byte = packed[at] ?? 0;
    if (byte === 0) to += packed[++at] ?? 0;
    else bytes[to++] = byte;
  }
  return bytes;
}

function unpackedLength(packed: Uint8Array, maxLength: number): number {
  let length = 0;
  for (let at = 0; at < packed.length; at++) {
    const count = packed[at] === 0 ? (packed[++at] ?? 0) : 1;
    if (count === 0) throw new ProofError('its zeros are damaged');
    length += count;
  }
  if (length > maxLength) throw new ProofError('it is too long');
  return length;
}

import { concatBytes } from '../bytes.ts';

/**
 * WebCrypto wants r and s side by side; TUF carries them as DER (SEQUENCE of two INTEGERs).
 * @param size bytes of r and of s on the curve
 * @returns `undefined` for anything that is not exactly that, in shortest form
 */
export function ecdsaRawSignature(der: Uint8Array, size: number): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 127) return undefined;
  const r = readInteger(der, 2);
  if (r === undefined) return undefined;
  const s = readInteger(der, r.end);
  if (s === undefined || s.end !== der.length || r.bytes.length > size || s.bytes.length > size) return undefined;
  const raw = new Uint8Array(size * 2);
  raw.set(r.bytes, size - r.bytes.length);
  raw.set(s.bytes, size * 2 - s.bytes.length);
  return raw;
}

/** A positive INTEGER without its sign byte. */
function readInteger(der: Uint8Array, at: number): { bytes: Uint8Array; end: number } | undefined {
  const length = der[at + 1];
  const end = at + 2 + (length ?? 0);
  if (der[at] !== 0x02 || length === undefined || length === 0 || end > der.length) return undefined;
  const first = der[at + 2] ?? 0;
  const second = der[at + 3] ?? 0;
  if (first >= 0x80 || (first === 0 && length > 1 && second < 0x80)) return undefined;
  return { bytes: der.subarray(first === 0 && length > 1 ? at + 3 : at + 2, end), end };
}

/**
 * From r and s side by side, as tokens and some services give them, to the DER that TUF carries.
 * @throws RangeError unless it is two numbers of one size, at most 60 bytes each
 */
export function ecdsaDerSignature(raw: Uint8Array): Uint8Array {
  if (raw.length === 0 || raw.length % 2 !== 0 || raw.length > 120)
    throw new RangeError(`an ecdsa signature of ${raw.length} bytes`);
  const half = raw.length / 2;
  const numbers = concatBytes(derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half)));
  return concatBytes(Uint8Array.of(0x30, numbers.length), numbers);
}

/** A positive INTEGER in shortest form, from big-endian bytes. */
function derInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array();
  return concatBytes(Uint8Array.of(0x02, sign.length + digits.length), sign, digits);
}

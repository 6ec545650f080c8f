import { crypto } from '#crypto';
import type { HashAlgorithm } from '../crypto/port.ts';
import { HashMismatchError, LengthMismatchError } from '../errors.ts';

/** The algorithms that are checked; others may be listed beside them. */
export const HASH_ALGORITHMS: readonly HashAlgorithm[] = ['sha256', 'sha384', 'sha512'];

/** What signed metadata says of some content; what is absent is not checked. */
export interface Announced {
  /** Bytes. */
  readonly length?: number;
  /** Hex by algorithm. */
  readonly hashes?: ReadonlyMap<string, string>;
}

/**
 * Checks content against what signed metadata announces of it: the exact length, and every listed hash that is known
 * here, of which there must be one (a list of md5 alone protects nothing).
 * @throws LengthMismatchError, HashMismatchError
 */
export async function verifyContent(subject: string, bytes: Uint8Array, { length, hashes }: Announced): Promise<void> {
  if (length !== undefined && bytes.length !== length) throw new LengthMismatchError(subject, length, bytes.length);
  if (hashes === undefined) return;
  const known = HASH_ALGORITHMS.filter((algorithm) => hashes.has(algorithm));
  if (known.length === 0) throw new HashMismatchError(subject);
  for (const algorithm of known) {
    const actual = await crypto.digest(algorithm, bytes);
    const expected = hashes.get(algorithm);
    if (actual !== expected) throw new HashMismatchError(subject, algorithm, expected, actual);
  }
}

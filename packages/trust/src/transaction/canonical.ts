import { canonicalize, FormatError, type JsonValue, parseJson } from '@holdfast/tuf';
import { TransactionRefusedError } from './refused.ts';

/**
 * Most clients verify signatures over the canonical form of what they parsed, ours over the bytes that they received: where these are
 * the same, all clients agree.
 * @throws TransactionRefusedError (`FORMAT`)
 */
export function checkCanonical(role: string, signedBytes: Uint8Array): void {
  const canonical = canonicalOf(parseJson(signedBytes));
  const same = canonical?.length === signedBytes.length && canonical.every((byte, at) => byte === signedBytes[at]);
  if (!same)
    throw new TransactionRefusedError(
      'FORMAT',
      role,
      'its signed part is not in canonical form, or has control characters. Write it with sorted names and without spaces, and sign that.',
    );
}

function canonicalOf(value: JsonValue): Uint8Array | undefined {
  try {
    return canonicalize(value);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

import { canonicalize, encodeJson, type Metadata, parseJson } from '@holdfast/tuf';
import { sameBytes } from '../same-bytes.ts';
import { TransactionRefusedError } from './refused.ts';

/**
 * Our client verifies signatures over the bytes that it received, and over their canonical form if that fails; most others over the
 * canonical form alone. Here only that counts, so that all clients agree.
 * @returns the file with the canonical form in the place of its signed part, which signatures have to be over
 * @throws TransactionRefusedError (`FORMAT`) for a signed part that is written otherwise, but for escaped control characters
 */
export function asCanonical<T>(role: string, file: Metadata<T>): Metadata<T> {
  const value = parseJson(file.signedBytes);
  if (!sameBytes(encodeJson(value), file.signedBytes))
    throw new TransactionRefusedError(
      'FORMAT',
      role,
      'its signed part is not in canonical form. Write it with sorted names and without spaces, and sign that.',
    );
  return { ...file, signedBytes: canonicalize(value) };
}

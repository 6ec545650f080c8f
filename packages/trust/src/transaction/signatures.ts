import { checkSignatures, FormatError, type Metadata, type PublicKey } from '@holdfast/tuf';
import { TransactionRefusedError } from './refused.ts';

/**
 * Every signature of a file is valid, and by somebody who may sign it: what is published has nothing in it that nobody can check (M6).
 * An empty signature is one that a holder has not made yet.
 * @param file with the canonical form as its signed part
 * @param own keys that count towards the threshold
 * @param others keys that may sign as well
 * @throws TransactionRefusedError (`WRONG_KEY`, `BAD_SIGNATURE`)
 */
export async function checkAllSignatures(
  role: string,
  file: Metadata<unknown>,
  own: ReadonlyMap<string, PublicKey>,
  others: ReadonlyMap<string, PublicKey>,
): Promise<void> {
  for (const { keyid, sig } of file.signatures) {
    if (sig === '') continue;
    const key = own.get(keyid) ?? others.get(keyid);
    if (!key)
      throw new TransactionRefusedError(
        'WRONG_KEY',
        role,
        `${keyid} has signed it, which is none of its keys. They are: ${[...own.keys()].join(', ')}.`,
      );
    const problem = await problemOf(file, key);
    if (problem !== undefined)
      throw new TransactionRefusedError(
        'BAD_SIGNATURE',
        role,
        `the signature by ${keyid} does not hold (${problem}). Sign the canonical form of exactly what is sent.`,
      );
  }
}

async function problemOf(file: Metadata<unknown>, key: PublicKey): Promise<string | undefined> {
  const { keyid } = key;
  try {
    const { problems } = await checkSignatures(file, new Map([[keyid, key]]), { keyids: [keyid], threshold: 1 });
    return problems.get(keyid);
  } catch (error) {
    // With raw control characters the canonical form is no JSON, which a second look at it would need.
    if (error instanceof FormatError) return 'it is for other content';
    throw error;
  }
}

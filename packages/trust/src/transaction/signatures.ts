import { checkSignatures, type Metadata, type PublicKey } from '@holdfast/tuf';
import { TransactionRefusedError } from './refused.ts';

/**
 * Every signature of a file is valid, and by somebody who may sign it: what is published has nothing in it that nobody can check (M6).
 * An empty signature is one that a holder has not made yet.
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
    const { valid, problems } = await checkSignatures(file, new Map([[keyid, key]]), { keyids: [keyid], threshold: 1 });
    if (valid === 0)
      throw new TransactionRefusedError(
        'BAD_SIGNATURE',
        role,
        `the signature by ${keyid} does not hold (${problems.get(keyid)}). Sign exactly what is sent.`,
      );
  }
}

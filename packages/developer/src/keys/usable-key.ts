import { keyProblem } from '@holdfast/trust';
import type { PublicKey } from '@holdfast/tuf';
import { UnusableKeyError } from '../errors.ts';

/**
 * Told when a key is chosen, not when the first release is to be signed: the index would refuse it then.
 * @throws UnusableKeyError when a project's metadata may not name the key
 */
export async function assertUsable(key: PublicKey): Promise<void> {
  const problem = await keyProblem(key);
  if (problem !== undefined) throw new UnusableKeyError(key.keyid, problem);
}

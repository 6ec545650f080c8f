import { hash } from 'node:crypto';
import { hashOf } from '../keys/schemes.ts';
import type { PublicKey } from '../model.ts';

/** What a token or a service is sent where it signs digests; `undefined` for schemes that sign the content itself. */
export function digestFor(key: PublicKey, data: Uint8Array): Buffer | undefined {
  const algorithm = hashOf(key);
  return algorithm === undefined ? undefined : hash(algorithm, data, 'buffer');
}

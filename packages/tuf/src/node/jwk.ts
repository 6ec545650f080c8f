import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { KeyError } from '../errors.ts';
import { publicKeyFromSpki } from '../keys/from-spki.ts';
import type { PublicKey } from '../model.ts';

/**
 * The public key that a token or a service hands out as bare numbers (JWK, RFC 7517), as metadata lists it.
 * @param scheme only RSA keys leave a choice; without one they get `rsassa-pss-sha256`
 * @throws KeyError
 */
export async function publicKeyFromJwk(key: JsonWebKey, scheme?: string): Promise<PublicKey> {
  let spki: Buffer;
  try {
    spki = createPublicKey({ key, format: 'jwk' }).export({ format: 'der', type: 'spki' });
  } catch (cause) {
    throw new KeyError('', 'its public part is damaged', cause);
  }
  return publicKeyFromSpki(spki, scheme);
}

import { constants, createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { type CryptoPort, MAX_RSA_BITS, MIN_RSA_BITS, type SchemeSuite, type VerifyKey } from './port.ts';

export const crypto: CryptoPort = {
  async digest(algorithm, data) {
    return hash(algorithm, data, 'hex');
  },

  async importKey(suite, spki): Promise<VerifyKey> {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    checkKind(suite, key);
    // JWK holds the bare numbers, so two encodings of one key compare equal.
    const { kty, crv, x, y, n, e, pub } = key.export({ format: 'jwk' });
    const material = JSON.stringify([kty, crv, x ?? pub, y, n, e]);
    const digest = 'hash' in suite ? suite.hash : null;
    const rsaBytes = modulusBytes(key);
    const input =
      suite.kind === 'rsa-pss'
        ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
        : key;
    return {
      material,
      async verify(data, signature) {
        if (rsaBytes !== undefined && signature.length !== rsaBytes) return false;
        return verify(digest, suite.kind === 'ml-dsa-44' ? mlDsaPayload(data) : data, input, signature);
      },
    };
  },
};

/** RFC 8017 §8.1.2, §8.2.2: an RSA signature is as long as the modulus; OpenSSL also takes one without its leading zeros. */
function modulusBytes(key: KeyObject): number | undefined {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits === undefined ? undefined : Math.ceil(bits / 8);
}

/** TAP 21 (draft), version 1: what ML-DSA signs is a mark and the SHA-512 of the content. */
export function mlDsaPayload(data: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('tuf\u0001'), hash('sha512', data, 'buffer')]);
}

function checkKind(suite: SchemeSuite, key: KeyObject): void {
  const type = key.asymmetricKeyType;
  const details = key.asymmetricKeyDetails;
  if (suite.kind === type && (type === 'ed25519' || type === 'ml-dsa-44')) return;
  if (suite.kind === 'ecdsa' && type === 'ec') {
    const curve = suite.curve === 'P-256' ? 'prime256v1' : 'secp384r1';
    if (details?.namedCurve === curve) return;
  }
  if ((suite.kind === 'rsa-pss' || suite.kind === 'rsa-pkcs1v15') && type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    if (bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS) return;
    throw new Error(`an RSA key of ${bits} bits`);
  }
  throw new Error(`a key of another kind than ${suite.kind}`);
}

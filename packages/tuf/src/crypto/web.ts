import {
  type CryptoPort,
  type HashAlgorithm,
  MAX_RSA_BITS,
  MIN_RSA_BITS,
  type SchemeSuite,
  type VerifyKey,
} from './port.ts';
import { ecdsaRawSignature } from './ecdsa-der.ts';
import { toHex } from '../bytes.ts';

const HASH_NAMES: Readonly<Record<HashAlgorithm, string>> = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' };
const HASH_BYTES: Readonly<Record<HashAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };

type WebSuite = Exclude<SchemeSuite, { kind: 'ml-dsa-44' }>;

export const crypto: CryptoPort = {
  async digest(algorithm, data) {
    return toHex(new Uint8Array(await globalThis.crypto.subtle.digest(HASH_NAMES[algorithm], owned(data))));
  },

  async importKey(suite, spki): Promise<VerifyKey> {
    if (suite.kind === 'ml-dsa-44') throw new Error('ml-dsa-44 is experimental, and not verified in browsers');
    const { subtle } = globalThis.crypto;
    const key = await subtle.importKey('spki', owned(spki), importParameters(suite), true, ['verify']);
    const { kty, crv, x, y, n, e } = await subtle.exportKey('jwk', key);
    const bits = modulusBits(n);
    if (kty === 'RSA' && (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)) throw new Error(`an RSA key of ${bits} bits`);
    return {
      material: JSON.stringify([kty, crv, x, y, n, e]),
      async verify(data, signature) {
        // RFC 8017 §8.1.2, §8.2.2: not every browser's library asks that an RSA signature is as long as the modulus.
        if (kty === 'RSA' && signature.length !== Math.ceil(bits / 8)) return false;
        const bytes =
          suite.kind === 'ecdsa' ? ecdsaRawSignature(signature, suite.curve === 'P-256' ? 32 : 48) : signature;
        if (bytes === undefined) return false;
        for (const parameters of verifyParameters(suite, bits)) {
          if (await subtle.verify(parameters, key, owned(bytes), owned(data))) return true;
        }
        return false;
      },
    };
  },
};

function importParameters(suite: WebSuite): AlgorithmIdentifier | RsaHashedImportParams | EcKeyImportParams {
  if (suite.kind === 'ed25519') return { name: 'Ed25519' };
  if (suite.kind === 'ecdsa') return { name: 'ECDSA', namedCurve: suite.curve };
  const name = suite.kind === 'rsa-pss' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5';
  return { name, hash: HASH_NAMES[suite.hash] };
}

function verifyParameters(
  suite: WebSuite,
  bits: number,
): readonly (AlgorithmIdentifier | EcdsaParams | RsaPssParams)[] {
  if (suite.kind === 'ed25519') return [{ name: 'Ed25519' }];
  if (suite.kind === 'ecdsa') return [{ name: 'ECDSA', hash: HASH_NAMES[suite.hash] }];
  if (suite.kind === 'rsa-pkcs1v15') return [{ name: 'RSASSA-PKCS1-v1_5' }];
  // Signers use a salt as long as the hash, or (Go's default) as long as fits; WebCrypto cannot find out by itself.
  const hashBytes = HASH_BYTES[suite.hash];
  const longest = Math.ceil((bits - 1) / 8) - hashBytes - 2;
  return [hashBytes, longest].map((saltLength) => ({ name: 'RSA-PSS', saltLength }));
}

/** Bits of a base64url number without leading zero bytes, as JWK writes it. */
function modulusBits(n: string | undefined): number {
  if (n === undefined) return 0;
  const bytes = Uint8Array.from(atob(n.replace(/-/g, '+').replace(/_/g, '/')), (unit) => unit.charCodeAt(0));
  return bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24;
}

/** WebCrypto's types want memory that nobody shares. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : new Uint8Array(bytes);
}

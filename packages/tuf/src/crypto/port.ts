// What this package needs of cryptography; `#crypto` is node:crypto in Node and WebCrypto in browsers.

/** The hashes that this package computes, as metadata names them. */
export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512';

/** How a scheme verifies. `hash` is absent for ed25519 and ml-dsa-44, which have their own. */
export type SchemeSuite =
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'ecdsa'; readonly curve: 'P-256' | 'P-384'; readonly hash: HashAlgorithm }
  | { readonly kind: 'rsa-pss' | 'rsa-pkcs1v15'; readonly hash: HashAlgorithm }
  | { readonly kind: 'ml-dsa-44' };

export interface VerifyKey {
  /** The same for the same key material, however it was encoded or named. */
  readonly material: string;
  verify(data: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

export interface CryptoPort {
  /** Lower-case hex. */
  digest(algorithm: HashAlgorithm, data: Uint8Array): Promise<string>;
  /** From DER SubjectPublicKeyInfo. Throws when the key is damaged, of another kind, or RSA outside 2048 to 4096 bits. */
  importKey(suite: SchemeSuite, spki: Uint8Array): Promise<VerifyKey>;
}

export const MIN_RSA_BITS = 2048;
export const MAX_RSA_BITS = 4096;

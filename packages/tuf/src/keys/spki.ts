import { concatBytes, fromHex } from '../bytes.ts';

/** RFC 8410: the 12 bytes before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const ED25519_PREFIX = new Uint8Array([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);

/** From the hex in `keyval.public`; `undefined` unless it is 32 bytes. */
export function ed25519Spki(hex: string): Uint8Array | undefined {
  const raw = fromHex(hex);
  return raw?.length === 32 ? concatBytes(ED25519_PREFIX, raw) : undefined;
}

/** DER out of a `PUBLIC KEY` PEM; `undefined` for anything else. */
export function pemSpki(pem: string): Uint8Array | undefined {
  const match = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,8192})-----END PUBLIC KEY-----\s*$/.exec(pem);
  if (match?.[1] === undefined) return undefined;
  try {
    const binary = atob(match[1].replace(/\s/g, ''));
    return Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
  } catch {
    return undefined; // not base64: the caller refuses the key
  }
}

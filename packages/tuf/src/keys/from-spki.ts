import { toHex } from '../bytes.ts';
import { KeyError } from '../errors.ts';
import type { PublicKey } from '../model.ts';
import { makePublicKey } from './public-key.ts';
import { keytypeOf } from './schemes.ts';
import { pemSpki } from './spki.ts';
import { verifyKeyOf } from './verify-key.ts';

const RSA_SCHEMES = [
  'rsassa-pss-sha256',
  'rsassa-pss-sha384',
  'rsassa-pss-sha512',
  'rsa-pkcs1v15-sha256',
  'rsa-pkcs1v15-sha384',
  'rsa-pkcs1v15-sha512',
] as const;

/** What stands in DER SubjectPublicKeyInfo before the key itself; the first scheme is the default. */
const KINDS: readonly {
  readonly at: number;
  readonly bytes: string;
  readonly schemes: readonly [string, ...string[]];
}[] = [
  // RFC 8410
  { at: 0, bytes: '302a300506032b6570032100', schemes: ['ed25519'] },
  // RFC 5480: id-ecPublicKey with secp256r1 and secp384r1, uncompressed points
  { at: 0, bytes: '3059301306072a8648ce3d020106082a8648ce3d03010703420004', schemes: ['ecdsa-sha2-nistp256'] },
  { at: 0, bytes: '3076301006072a8648ce3d020106052b8104002203620004', schemes: ['ecdsa-sha2-nistp384'] },
  // RFC 9881: id-ml-dsa-44
  { at: 0, bytes: '30820532300b060960864801650304031103820521', schemes: ['ml-dsa-44/1'] },
  // RFC 3279: rsaEncryption, after a length of two bytes, or of one for keys that are too short anyway
  { at: 4, bytes: '300d06092a864886f70d010101050003', schemes: RSA_SCHEMES },
  { at: 3, bytes: '300d06092a864886f70d010101050003', schemes: RSA_SCHEMES },
];

/**
 * The public key that a token, an agent or a service hands out, as metadata lists it, with its default keyid.
 * @param spki DER SubjectPublicKeyInfo, or its PEM
 * @param scheme only RSA keys leave a choice; without one they get `rsassa-pss-sha256`
 * @throws KeyError for a kind of key that no scheme here fits, for a scheme of another kind, for a damaged or too short key
 */
export async function publicKeyFromSpki(spki: Uint8Array | string, scheme?: string): Promise<PublicKey> {
  const der = typeof spki === 'string' ? pemSpki(spki) : spki;
  if (der === undefined) throw new KeyError('', 'its public part is damaged');
  const kind = KINDS.find(({ at, bytes }) => toHex(der.subarray(at, at + bytes.length / 2)) === bytes);
  if (kind === undefined) throw new KeyError('', 'it is of a kind that no signature scheme here fits');
  const chosen = scheme ?? kind.schemes[0];
  const keytype = keytypeOf(chosen);
  if (keytype === undefined || !kind.schemes.includes(chosen))
    throw new KeyError('', `a key for ${kind.schemes[0]} does not fit the scheme ${chosen}`);
  const key = await makePublicKey(keytype, chosen, chosen === 'ed25519' ? toHex(der.subarray(12)) : pemOf(der));
  await verifyKeyOf(key);
  return key;
}

function pemOf(der: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...der));
  return `-----BEGIN PUBLIC KEY-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END PUBLIC KEY-----\n`;
}

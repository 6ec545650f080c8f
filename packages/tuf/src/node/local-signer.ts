import { constants, createPublicKey, generateKeyPair, type KeyObject, sign as signData } from 'node:crypto';
import { promisify } from 'node:util';
import { mlDsaPayload } from '../crypto/node.ts';
import { KeyError } from '../errors.ts';
import { makePublicKey } from '../keys/public-key.ts';
import type { PublicKey } from '../model.ts';
import type { Signer } from '../sign.ts';

/** Schemes for which keys can be made here. */
export type LocalScheme =
  | 'ed25519'
  | 'ecdsa-sha2-nistp256'
  | 'ecdsa-sha2-nistp384'
  | 'rsassa-pss-sha256'
  | 'rsassa-pss-sha384'
  | 'rsassa-pss-sha512';

/** TAP 21 is a draft: what is signed may change, browsers and most clients cannot verify it, keys take 2 kB of metadata. */
export type ExperimentalScheme = 'ml-dsa-44/1';

/** A signer whose private key is in this process. */
export interface LocalSigner extends Signer {
  /** Never leaves this process, except by {@link writeKeyFile}. */
  readonly privateKey: KeyObject;
}

const generate = promisify(generateKeyPair);
const RSA_BITS = 3072;

/** Makes a new key pair; RSA keys have 3072 bits. */
export async function generateKey(scheme: LocalScheme): Promise<LocalSigner> {
  return localSigner(await generatePrivateKey(scheme), scheme);
}

/**
 * Makes a key pair for a scheme that is not for production: ML-DSA-44 (FIPS 204), which quantum computers are not known to
 * break. Verified by this package in Node and by python-tuf (securesystemslib 1.6); refused in browsers. Never let a
 * role's threshold depend on such a key.
 */
export async function generateExperimentalKey(scheme: ExperimentalScheme): Promise<LocalSigner> {
  return localSigner((await generate('ml-dsa-44')).privateKey, scheme);
}

async function generatePrivateKey(scheme: LocalScheme): Promise<KeyObject> {
  if (scheme === 'ed25519') return (await generate('ed25519')).privateKey;
  if (scheme === 'ecdsa-sha2-nistp256') return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
  if (scheme === 'ecdsa-sha2-nistp384') return (await generate('ec', { namedCurve: 'P-384' })).privateKey;
  return (await generate('rsa', { modulusLength: RSA_BITS })).privateKey;
}

/** A signer around a private key that was made elsewhere. @throws KeyError when the key is of another kind than the scheme */
export async function localSigner(
  privateKey: KeyObject,
  scheme: LocalScheme | ExperimentalScheme,
): Promise<LocalSigner> {
  const key = await publicKeyOf(privateKey, scheme);
  return { key, privateKey, sign: async (data) => signWith(privateKey, scheme, data) };
}

/** Whether keys of this scheme can be made and used by {@link localSigner}. */
export function isLocalScheme(scheme: string): scheme is LocalScheme | ExperimentalScheme {
  return /^(?:ed25519|ecdsa-sha2-nistp(?:256|384)|rsassa-pss-sha(?:256|384|512)|ml-dsa-44\/1)$/.test(scheme);
}

async function publicKeyOf(privateKey: KeyObject, scheme: string): Promise<PublicKey> {
  const publicKey = createPublicKey(privateKey);
  const type = publicKey.asymmetricKeyType;
  if (scheme === 'ed25519' && type === 'ed25519') {
    const { x = '' } = publicKey.export({ format: 'jwk' });
    return makePublicKey('ed25519', scheme, Buffer.from(x, 'base64url').toString('hex'));
  }
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  if (scheme === 'ml-dsa-44/1' && type === 'ml-dsa-44') return makePublicKey('ml-dsa', scheme, pem);
  if (scheme.startsWith('rsassa') && type === 'rsa') return makePublicKey('rsa', scheme, pem);
  const curve = scheme === 'ecdsa-sha2-nistp384' ? 'secp384r1' : 'prime256v1';
  if (scheme.startsWith('ecdsa') && publicKey.asymmetricKeyDetails?.namedCurve === curve)
    return makePublicKey('ecdsa', scheme, pem);
  throw new KeyError('', `a key of type ${type ?? 'unknown'} does not fit the scheme ${scheme}`);
}

function signWith(privateKey: KeyObject, scheme: string, data: Uint8Array): Uint8Array {
  if (scheme === 'ed25519') return signData(null, data, privateKey);
  if (scheme === 'ecdsa-sha2-nistp256') return signData('sha256', data, privateKey);
  if (scheme === 'ecdsa-sha2-nistp384') return signData('sha384', data, privateKey);
  if (scheme === 'ml-dsa-44/1') return signData(null, mlDsaPayload(data), privateKey);
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return signData(scheme.slice('rsassa-pss-'.length), data, { key: privateKey, ...padding });
}

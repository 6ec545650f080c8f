import {
  checkedSigner,
  ecdsaDerSignature,
  type HashAlgorithm,
  hashOf,
  type PublicKey,
  type Signer,
  SignerError,
} from '@holdfast/tuf';
import { digestFor } from '@holdfast/tuf/node';
import type { Mechanism, RsaPSS } from 'pkcs11js';
import { readPublicKey } from './public-key.ts';
import { attributes, findObject, type KeyName, login, type Session, withSession } from './token.ts';

export interface Pkcs11SignerOptions {
  /** The path of the token's PKCS #11 module, a shared library. It runs inside this process: name only one that you trust. */
  readonly module: string;
  /** The token's label. */
  readonly token: string;
  /** Which key on the token: its label, its id in hex, or both. */
  readonly key: KeyName;
  /** What an RSA key signs with; `rsassa-pss-sha256` by default. */
  readonly scheme?: string;
  /** Asked for each signature, once, and never again after a wrong answer: tokens lock themselves after a few. */
  readonly pin: () => string | Promise<string>;
}

/** PKCS #11 3.0, §6.3.16; the binding knows 2.40 only. */
const CKM_EDDSA = 0x1057;
/** RSA of 4096 bits makes 512 bytes. */
const MAX_SIGNATURE_BYTES = 1024;

/**
 * A signer whose key is in a PKCS #11 token: ed25519, ecdsa on P-256 and P-384, RSA with PSS. Making it reads the public key only
 * and asks for no PIN. The module's own calls block this process, except the signature itself.
 * @throws SignerError: `unreachable` (no module, no token), `no-such-key`; from `sign` also `pin-wrong`, `pin-locked`, `refused`,
 *   `unsupported`, `invalid-signature`
 * @throws KeyError for a key that no scheme fits
 */
export async function pkcs11Signer(options: Pkcs11SignerOptions): Promise<Signer> {
  const open = <T>(use: (session: Session) => Promise<T>): Promise<T> =>
    withSession(options.module, options.token, use);
  const key = await open((session) => readPublicKey(session, options.key, options.scheme));
  return checkedSigner(`the token "${options.token}"`, key, async (data) => {
    const pin = await options.pin();
    return open((session) => sign(session, key, options.key, pin, data));
  });
}

async function sign(session: Session, key: PublicKey, name: KeyName, pin: string, data: Uint8Array): Promise<Buffer> {
  const { p, module, handle } = session;
  const algorithm = hashOf(key);
  const mechanism = mechanismOf(session, key.scheme, algorithm);
  login(session, p.CKU_USER, pin);
  const privateKey = findObject(session, p.CKO_PRIVATE_KEY, name);
  module.C_SignInit(handle, mechanism, privateKey);
  if (asksEachTime(session, privateKey)) login(session, p.CKU_CONTEXT_SPECIFIC, pin);
  const input = digestFor(key, data) ?? Buffer.from(data);
  const signature = await module.C_SignAsync(handle, input, Buffer.alloc(MAX_SIGNATURE_BYTES));
  return key.keytype === 'ecdsa' ? Buffer.from(ecdsaDerSignature(signature)) : signature;
}

function mechanismOf({ holder, p }: Session, scheme: string, algorithm: HashAlgorithm | undefined): Mechanism {
  if (scheme === 'ed25519') return { mechanism: CKM_EDDSA };
  if (scheme.startsWith('ecdsa')) return { mechanism: p.CKM_ECDSA };
  if (!scheme.startsWith('rsassa-pss') || algorithm === undefined)
    throw new SignerError(holder, 'unsupported', `the scheme ${scheme}`);
  const [hashAlg, mgf, saltLen] = {
    sha256: [p.CKM_SHA256, p.CKG_MGF1_SHA256, 32] as const,
    sha384: [p.CKM_SHA384, p.CKG_MGF1_SHA384, 48] as const,
    sha512: [p.CKM_SHA512, p.CKG_MGF1_SHA512, 64] as const,
  }[algorithm];
  const parameter: RsaPSS = { type: p.CK_PARAMS_RSA_PSS, hashAlg, mgf, saltLen };
  return { mechanism: p.CKM_RSA_PKCS_PSS, parameter };
}

/** Keys that want the PIN again for every signature, such as slot 9c of PIV cards; tokens without the attribute have none. */
function asksEachTime(session: Session, privateKey: Buffer): boolean {
  try {
    return attributes(session, privateKey, [session.p.CKA_ALWAYS_AUTHENTICATE])[0]?.[0] === 1;
  } catch {
    return false; // CKR_ATTRIBUTE_TYPE_INVALID: the token does not know the attribute
  }
}

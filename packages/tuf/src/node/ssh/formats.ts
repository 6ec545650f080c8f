import { concatBytes } from '../../bytes.ts';
import { ecdsaDerSignature } from '../../crypto/ecdsa-der.ts';
import { publicKeyFromSpki } from '../../keys/from-spki.ts';
import type { PublicKey } from '../../model.ts';
import { publicKeyFromJwk } from '../jwk.ts';
import { SshFormatError, SshReader } from './wire.ts';

/** RFC 8410: what stands before an Ed25519 key in SubjectPublicKeyInfo. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const CURVES = new Map([
  ['ecdsa-sha2-nistp256', { name: 'nistp256', crv: 'P-256', size: 32 }],
  ['ecdsa-sha2-nistp384', { name: 'nistp384', crv: 'P-384', size: 48 }],
]);

/** How SSH calls the signatures of the schemes that an agent can make (RFC 8709, RFC 5656, RFC 8332). */
export const SIGNATURE_FORMATS: ReadonlyMap<string, string> = new Map([
  ['ed25519', 'ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
  ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
  ['rsa-pkcs1v15-sha256', 'rsa-sha2-256'],
]);

/**
 * An SSH public key as metadata lists it; `undefined` for the kinds that TUF has no scheme for (FIDO, DSA, certificates).
 * @throws SshFormatError or KeyError for a damaged or too short key
 */
export async function publicKeyFromSsh(blob: Uint8Array): Promise<PublicKey | undefined> {
  const reader = new SshReader(blob);
  const type = reader.string().toString('latin1');
  const curve = CURVES.get(type);
  if (type === 'ssh-ed25519') return publicKeyFromSpki(concatBytes(ED25519_SPKI, reader.string()));
  if (curve !== undefined) {
    const [name, point] = [reader.string().toString('latin1'), reader.string()];
    if (name !== curve.name || point[0] !== 4 || point.length !== 1 + curve.size * 2)
      throw new SshFormatError(`not a point on ${curve.name}`);
    const [x, y] = [point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size)];
    return publicKeyFromJwk({ kty: 'EC', crv: curve.crv, x: x.toString('base64url'), y: y.toString('base64url') });
  }
  if (type !== 'ssh-rsa') return undefined;
  const [e, n] = [reader.mpint().toString('base64url'), reader.mpint().toString('base64url')];
  return publicKeyFromJwk({ kty: 'RSA', n, e }, 'rsa-pkcs1v15-sha256');
}

/** From an SSH signature to what TUF carries for the scheme. @throws SshFormatError */
export function signatureFromSsh(scheme: string, blob: Uint8Array): Uint8Array {
  const reader = new SshReader(blob);
  const format = reader.string().toString('latin1');
  const signature = reader.string();
  reader.end();
  if (format !== SIGNATURE_FORMATS.get(scheme))
    throw new SshFormatError(`a signature in the format ${JSON.stringify(format.slice(0, 64))} for ${scheme}`);
  const curve = CURVES.get(scheme);
  if (curve === undefined) return signature;
  const numbers = new SshReader(signature);
  const raw = new Uint8Array(curve.size * 2);
  for (const end of [curve.size, curve.size * 2]) {
    const number = numbers.mpint();
    if (number.length > curve.size) throw new SshFormatError('a number that is too long');
    raw.set(number, end - number.length);
  }
  numbers.end();
  return ecdsaDerSignature(raw);
}

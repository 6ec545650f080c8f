import { KeyError, type PublicKey, publicKeyFromSpki } from '@holdfast/tuf';
import { publicKeyFromJwk } from '@holdfast/tuf/node';
import { attributes, findObject, type KeyName, type Session } from './token.ts';

/** PKCS #11 3.0, §6.3.2; the binding knows 2.40 only. */
const CKK_EC_EDWARDS = 0x40;
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const CURVES = new Map([
  ['06082a8648ce3d030107', { crv: 'P-256', size: 32 }],
  ['06052b81040022', { crv: 'P-384', size: 48 }],
]);

/** The public half, which tokens show without a PIN. @throws SignerError (`no-such-key`), KeyError */
export async function readPublicKey(session: Session, name: KeyName, scheme: string | undefined): Promise<PublicKey> {
  const { p } = session;
  const object = findObject(session, p.CKO_PUBLIC_KEY, name);
  const [keyType = Buffer.of()] = attributes(session, object, [p.CKA_KEY_TYPE]);
  const type = keyType.length < 4 ? -1 : keyType.readUInt32LE();
  if (type === p.CKK_RSA) {
    const [n, e] = attributes(session, object, [p.CKA_MODULUS, p.CKA_PUBLIC_EXPONENT]).map(unsigned);
    return publicKeyFromJwk({ kty: 'RSA', n: n ?? '', e: e ?? '' }, scheme);
  }
  if (type !== p.CKK_EC && type !== CKK_EC_EDWARDS)
    throw new KeyError('', `it is of a kind that no signature scheme here fits (CKK 0x${type.toString(16)})`);
  const [parameters = Buffer.of(), point = Buffer.of()] = attributes(session, object, [
    p.CKA_EC_PARAMS,
    p.CKA_EC_POINT,
  ]);
  if (type === CKK_EC_EDWARDS) return publicKeyFromSpki(Buffer.concat([ED25519_SPKI, bare(point, 32)]), scheme);
  const curve = CURVES.get(parameters.toString('hex'));
  if (curve === undefined) throw new KeyError('', 'it is on a curve that no signature scheme here fits');
  const bytes = bare(point, 1 + curve.size * 2);
  const [x, y] = [bytes.subarray(1, 1 + curve.size), bytes.subarray(1 + curve.size)];
  const key = { kty: 'EC', crv: curve.crv, x: x.toString('base64url'), y: y.toString('base64url') };
  return publicKeyFromJwk(key, scheme);
}

/** Some modules give the point itself, most give it in a DER OCTET STRING, as the specification has it. */
function bare(point: Buffer, size: number): Buffer {
  if (point.length === size) return point;
  if (point.length === size + 2 && point[0] === 0x04 && point[1] === size) return point.subarray(2);
  throw new KeyError('', `a point of ${point.length} bytes on a curve of ${size}`);
}

function unsigned(bytes: Buffer): string {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(Math.max(first, 0)).toString('base64url');
}

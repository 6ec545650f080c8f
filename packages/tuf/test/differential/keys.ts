import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { canonicalText, type Raw, raw } from './raw-json.ts';

/** A key that test repositories are signed with; `json` is what stands in metadata. */
export interface TestKey {
  readonly keyid: string;
  readonly json: Raw;
  sign(payload: Buffer): string;
}

/** RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The same key for the same number, so that a failing seed can be repeated. */
function ed25519(number: number): TestKey {
  const seed = createHash('sha256').update(`key ${number}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  const json = raw({
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: Buffer.from(x, 'base64url').toString('hex') },
  });
  // Every other key has the keyid that most repositories would give it.
  const keyid = number % 2 === 0 ? `key-${number}` : createHash('sha256').update(canonicalText(json)).digest('hex');
  return { keyid, json, sign: (payload) => sign(null, payload, key).toString('hex') };
}

function pem(keyid: string, keytype: string, scheme: string, key: KeyObject): TestKey {
  const publicPem = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
  const digest = `sha${/\d+$/.exec(scheme)?.[0] ?? ''}`;
  const padding =
    keytype === 'rsa' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  const json = raw({ keytype, scheme, keyval: { public: publicPem } });
  return { keyid, json, sign: (payload) => sign(digest, payload, { key, ...padding }).toString('hex') };
}

const { privateKey: p256 } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Of schemes that every client knows. */
export const KEYS: readonly TestKey[] = [
  ...Array.from({ length: 8 }, (_, number) => ed25519(number)),
  pem('p256', 'ecdsa', 'ecdsa-sha2-nistp256', p256),
  pem('rsa', 'rsa', 'rsassa-pss-sha256', rsa),
];

/** Of schemes and sizes that only some know or allow. */
export const UNCOMMON_KEYS: ReadonlyMap<string, TestKey> = new Map([
  [
    'ecdsa-p384',
    pem('p384', 'ecdsa', 'ecdsa-sha2-nistp384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
  ],
  ['ecdsa-old-keytype', pem('old', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', p256)],
  ['rsa-pss-sha384', pem('rsa384', 'rsa', 'rsassa-pss-sha384', rsa)],
  ['rsa-pss-sha512', pem('rsa512', 'rsa', 'rsassa-pss-sha512', rsa)],
  [
    'rsa-1024',
    pem('rsa1024', 'rsa', 'rsassa-pss-sha256', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
  ],
]);

import { crypto } from '#crypto';
import type { SchemeSuite, VerifyKey } from '../crypto/port.ts';
import { KeyError } from '../errors.ts';
import type { PublicKey } from '../model.ts';
import { ed25519Spki, pemSpki } from './spki.ts';

/** Key types by scheme, as securesystemslib writes them; older files name the ecdsa type like its scheme. */
const SUITES: ReadonlyMap<string, { readonly keytypes: readonly string[]; readonly suite: SchemeSuite }> = new Map([
  ['ed25519', { keytypes: ['ed25519'], suite: { kind: 'ed25519' } }],
  [
    'ecdsa-sha2-nistp256',
    { keytypes: ['ecdsa', 'ecdsa-sha2-nistp256'], suite: { kind: 'ecdsa', curve: 'P-256', hash: 'sha256' } },
  ],
  [
    'ecdsa-sha2-nistp384',
    { keytypes: ['ecdsa', 'ecdsa-sha2-nistp384'], suite: { kind: 'ecdsa', curve: 'P-384', hash: 'sha384' } },
  ],
  ['rsassa-pss-sha256', { keytypes: ['rsa'], suite: { kind: 'rsa-pss', hash: 'sha256' } }],
  ['rsassa-pss-sha384', { keytypes: ['rsa'], suite: { kind: 'rsa-pss', hash: 'sha384' } }],
  ['rsassa-pss-sha512', { keytypes: ['rsa'], suite: { kind: 'rsa-pss', hash: 'sha512' } }],
]);

const imported = new WeakMap<PublicKey, Promise<VerifyKey>>();

/** Imports a key once for as long as its model lives. @throws KeyError */
export function verifyKeyOf(key: PublicKey): Promise<VerifyKey> {
  let verifyKey = imported.get(key);
  if (verifyKey === undefined) {
    verifyKey = importKey(key);
    imported.set(key, verifyKey);
  }
  return verifyKey;
}

async function importKey(key: PublicKey): Promise<VerifyKey> {
  const entry = SUITES.get(key.scheme);
  if (entry === undefined || !entry.keytypes.includes(key.keytype)) {
    throw new KeyError(key.keyid, `the scheme ${key.scheme} of a key of type ${key.keytype} is not known`);
  }
  const spki = entry.suite.kind === 'ed25519' ? ed25519Spki(key.public) : pemSpki(key.public);
  if (spki === undefined) throw new KeyError(key.keyid, 'its public part is damaged');
  try {
    return await crypto.importKey(entry.suite, spki);
  } catch (cause) {
    throw new KeyError(key.keyid, cause instanceof Error ? cause.message : 'its public part is damaged', cause);
  }
}

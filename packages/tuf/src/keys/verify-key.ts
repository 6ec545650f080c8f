import { crypto } from '#crypto';
import type { VerifyKey } from '../crypto/port.ts';
import { KeyError } from '../errors.ts';
import type { PublicKey } from '../model.ts';
import { suiteOf } from './schemes.ts';
import { ed25519Spki, pemSpki } from './spki.ts';

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
  const suite = suiteOf(key);
  if (suite === undefined) {
    throw new KeyError(key.keyid, `the scheme ${key.scheme} of a key of type ${key.keytype} is not known`);
  }
  const spki = suite.kind === 'ed25519' ? ed25519Spki(key.public) : pemSpki(key.public);
  if (spki === undefined) throw new KeyError(key.keyid, 'its public part is damaged');
  try {
    return await crypto.importKey(suite, spki);
  } catch (cause) {
    throw new KeyError(key.keyid, cause instanceof Error ? cause.message : 'its public part is damaged', cause);
  }
}

import { canonicalize, makePublicKey, type PublicKey, publicKeyFromSpki, TufError } from '@holdfast/tuf';
import { MAX_KEYS } from './limits.ts';
import { TransactionRefusedError } from './refused.ts';
import type { KeysAndThreshold } from './transaction.ts';

/**
 * Schemes that every TUF client can read. A leaf of a bin tree holds the keys of many projects, and some clients refuse all of a role
 * for one key that they do not know.
 */
const SCHEMES: ReadonlySet<string> = new Set([
  'ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'rsassa-pss-sha256',
  'rsassa-pss-sha384',
  'rsassa-pss-sha512',
]);
const MAX_KEY_LENGTH = 2_000;

/**
 * Whether these keys can answer for a role, whatever stands beside them in metadata.
 * @param role in whose name they are to sign
 * @throws TransactionRefusedError (`KEYS`)
 */
export async function checkKeys(role: string, { keys, threshold }: KeysAndThreshold): Promise<void> {
  const refuse = (problem: string): never => {
    throw new TransactionRefusedError('KEYS', role, `${problem}. Nothing was changed.`);
  };
  if (keys.size > MAX_KEYS) refuse(`it would have ${keys.size} keys, and ${MAX_KEYS} are the most`);
  for (const key of keys.values()) {
    const problem = await keyProblem(key);
    if (problem !== undefined) refuse(`the key ${key.keyid} cannot be used: ${problem}`);
  }
  const different = new Set(Array.from(keys.values(), (key) => key.public)).size;
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > different)
    refuse(
      `the threshold ${threshold} cannot be met by ${different} different keys; choose one from 1 to ${different}`,
    );
}

/** Why a key may not stand in metadata that it shares with keys of others; `undefined` when it may. */
export async function keyProblem(key: PublicKey): Promise<string | undefined> {
  if (!SCHEMES.has(key.scheme)) return `not every client knows the scheme ${JSON.stringify(key.scheme)}`;
  if (key.public.length > MAX_KEY_LENGTH) return 'it is too long';
  const plain = await makePublicKey(key.keytype, key.scheme, key.public);
  // Other keys stand beside it: with a keyid of its own choice it could take the place of one of them.
  if (plain.keyid !== key.keyid) return `its keyid is not the SHA-256 of its canonical JSON, ${plain.keyid}`;
  if (textOf(plain) !== textOf(key)) return 'it has members besides keytype, scheme and keyval.public';
  if (key.scheme === 'ed25519')
    return key.keytype === 'ed25519' && /^[0-9a-f]{64}$/.test(key.public) ? undefined : 'it is no Ed25519 key in hex';
  try {
    const { keytype } = await publicKeyFromSpki(key.public, key.scheme);
    return keytype === key.keytype ? undefined : `its type should be ${keytype}`;
  } catch (error) {
    if (error instanceof TufError) return error.message;
    throw error;
  }
}

const textOf = ({ json }: PublicKey): string => new TextDecoder().decode(canonicalize(json));

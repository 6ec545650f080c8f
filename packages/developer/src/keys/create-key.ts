import { access } from 'node:fs/promises';
import type { Signer } from '@holdfast/tuf';
import { generateKey, type LocalSigner, writeKeyFile } from '@holdfast/tuf/node';
import type { AskSecret } from './ask-secret.ts';
import type { KeyRecord, KeySource } from './key-record.ts';
import { rememberKey } from './key-ring.ts';
import { openSource } from './open-signer.ts';
import { type PhraseOwner, phraseKey } from './phrase-key.ts';
import { assertUsable } from './usable-key.ts';
import { checkStrength, FILE_PASSPHRASE_BITS, PHRASE_BITS } from './strength.ts';

/** For {@link createKey}. */
export interface CreateKeyOptions extends PhraseOwner {
  readonly home: string;
  readonly source: KeySource;
  readonly ask: AskSecret;
  /** What a guesser tries first, beside the account: the index's name, project names. */
  readonly hints?: readonly string[];
  readonly now?: Date;
}

/**
 * Gives an account of an index a key on this machine, and remembers where it is; it is the key in use from then on. A phrase makes one,
 * and a file that is not there yet is written with a new one. A file that is there, an agent or a token has one already.
 * Nothing is remembered unless the key could be made or opened.
 * @throws WeakPhraseError, InvalidPhraseError, UnusableKeyError, and as `openSigner`
 */
export async function createKey(options: CreateKeyOptions): Promise<KeyRecord> {
  const { home, index, account, source, now = new Date() } = options;
  const { key } = await makeOrOpen(options);
  await assertUsable(key);
  const record: KeyRecord = { index, account, key, source, addedAt: now };
  await rememberKey(home, record);
  return record;
}

async function makeOrOpen(options: CreateKeyOptions): Promise<Signer> {
  const { source, index, account, ask } = options;
  if (source.kind === 'phrase') return fromNewPhrase(options);
  if (source.kind === 'file' && !(await exists(source.path))) return newKeyFile(source.path, options);
  return openSource(source, { index, account }, ask);
}

async function fromNewPhrase({ index, account, ask, hints = [] }: CreateKeyOptions): Promise<LocalSigner> {
  const phrase = await ask({ kind: 'phrase', prompt: `Secret phrase of ${account}`, isNew: true });
  await checkStrength(phrase, PHRASE_BITS, [account, ...hints]);
  return phraseKey(phrase, { index, account });
}

async function newKeyFile(path: string, { account, ask, hints = [] }: CreateKeyOptions): Promise<LocalSigner> {
  const passphrase = await ask({ kind: 'passphrase', prompt: `New passphrase of ${path}`, isNew: true });
  await checkStrength(passphrase, FILE_PASSPHRASE_BITS, [account, ...hints]);
  const signer = await generateKey('ed25519');
  await writeKeyFile(path, signer, passphrase);
  return signer;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

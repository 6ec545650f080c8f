import { argon2, createPrivateKey, hash } from 'node:crypto';
import { promisify } from 'node:util';
import { canonicalize, toJson } from '@holdfast/tuf';
import { type LocalSigner, localSigner } from '@holdfast/tuf/node';
import { normalizePhrase } from './phrase.ts';

/** Whose key a phrase makes. The same phrase makes different keys for other accounts and other indexes. */
export interface PhraseOwner {
  /** The index: SHA-256 of the first version of its root metadata, 64 lower-case hex digits. */
  readonly index: string;
  /** The account's name there. */
  readonly account: string;
}

/** In every salt; another number would be another format (docs/formats/secret-phrase.md). */
const FORMAT = 'holdfast-phrase-1';

/**
 * RFC 9106: 256 MiB, three passes, one lane. Who guesses pays the memory for every guess; Node fills lanes one after the
 * other, so more of them would only help him.
 */
const COST = { memory: 256 * 1024, passes: 3, parallelism: 1, tagLength: 32 };

/** What stands before the seed of an Ed25519 key in PKCS #8 (RFC 8410 §7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

const derive = promisify(argon2);

/**
 * The Ed25519 key that a secret phrase makes, on any machine the same (docs/formats/secret-phrase.md). Takes about a second
 * and 256 MiB.
 * @throws InvalidPhraseError
 */
export async function phraseKey(phrase: string, { index, account }: PhraseOwner): Promise<LocalSigner> {
  const salt = hash('sha256', canonicalize(toJson({ _type: FORMAT, account, index })), 'buffer');
  const message = Buffer.from(normalizePhrase(phrase));
  const seed = await derive('argon2id', { ...COST, message, nonce: salt });
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  try {
    return await localSigner(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), 'ed25519');
  } finally {
    for (const secret of [message, seed, der]) secret.fill(0);
  }
}

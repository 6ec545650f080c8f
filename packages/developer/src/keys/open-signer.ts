import { KeyFileError, type Signer } from '@holdfast/tuf';
import { environmentSigner, readKeyFile, sshAgentSigner } from '@holdfast/tuf/node';
import { KeyChangedError, WrongPhraseError } from '../errors.ts';
import type { AskSecret } from './ask-secret.ts';
import type { KeyRecord, KeySource } from './key-record.ts';
import { chooseKey, listKeys } from './key-ring.ts';
import { type PhraseOwner, phraseKey } from './phrase-key.ts';
import { tokenSigner } from './token-signer.ts';

/** For {@link openSigner}. */
export interface OpenSignerOptions extends PhraseOwner {
  /** The id of the key, or the beginning of it; without it, the key in use. */
  readonly key?: string;
  readonly ask: AskSecret;
  /** Default: the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** A build server's key: the content of a key file, or a private key in PEM. */
export const KEY_VARIABLE = 'HOLDFAST_KEY';
/** What opens a key file, or the key in {@link KEY_VARIABLE}. */
export const PASSPHRASE_VARIABLE = 'HOLDFAST_KEY_PASSPHRASE';
/** A secret phrase; makes a key also where none was remembered. */
export const PHRASE_VARIABLE = 'HOLDFAST_PHRASE';

/**
 * The signer of an account of an index. A key in the environment comes first, then the remembered ones, then the one that a phrase
 * in the environment makes: so a build server needs no list of keys.
 * @throws NoKeyError, WrongPhraseError, KeyChangedError, KeyFileError, SignerError, SignerMissingError, KeyRingError
 */
export async function openSigner(home: string, options: OpenSignerOptions): Promise<Signer> {
  const { index, account, environment = process.env } = options;
  if (options.key === undefined && isSet(environment, KEY_VARIABLE)) return fromEnvironment(environment);
  const records = await listKeys(home, { index, account });
  if (options.key === undefined && records.length === 0 && isSet(environment, PHRASE_VARIABLE))
    return phraseKey(environment[PHRASE_VARIABLE] ?? '', { index, account });
  return openRecord(chooseKey(records, options.key), options.ask);
}

/** The signer of a remembered key, which must be the one that was remembered. */
export async function openRecord(record: KeyRecord, ask: AskSecret): Promise<Signer> {
  const { keyid } = record.key;
  const signer = await openSource(record.source, record, ask, keyid);
  if (signer.key.keyid === keyid) return signer;
  if (record.source.kind === 'phrase') throw new WrongPhraseError(keyid);
  throw new KeyChangedError(describeSource(record.source), keyid, signer.key.keyid);
}

/** The signer of whatever key is there. `keyid` tells a person which one is asked for. */
export async function openSource(
  source: KeySource,
  owner: PhraseOwner,
  ask: AskSecret,
  keyid?: string,
): Promise<Signer> {
  switch (source.kind) {
    case 'phrase':
      return phraseKey(
        await ask({ kind: 'phrase', prompt: `Secret phrase of ${owner.account}${named(keyid)}` }),
        owner,
      );
    case 'file':
      return fromFile(source.path, ask);
    case 'ssh':
      return sshAgentSigner(source.fingerprint);
    case 'pkcs11':
      return tokenSigner(source.uri, ask);
  }
}

const named = (keyid: string | undefined): string => (keyid === undefined ? '' : `, key ${keyid.slice(0, 12)}`);

/** Where a key is, in words: `the key file /home/ann/release.key`. */
export function describeSource(source: KeySource): string {
  switch (source.kind) {
    case 'phrase':
      return 'a secret phrase';
    case 'file':
      return `the key file ${source.path}`;
    case 'ssh':
      return `the SSH agent, ${source.fingerprint}`;
    case 'pkcs11':
      return `the token, ${source.uri}`;
  }
}

async function fromFile(path: string, ask: AskSecret): Promise<Signer> {
  try {
    return await readKeyFile(path, undefined);
  } catch (error) {
    if (!(error instanceof KeyFileError) || error.problem !== 'passphrase-missing') throw error;
    return readKeyFile(path, await ask({ kind: 'passphrase', prompt: `Passphrase of ${path}` }));
  }
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Promise<Signer> {
  return environmentSigner({
    variable: KEY_VARIABLE,
    ...(isSet(environment, PASSPHRASE_VARIABLE) && { passphraseVariable: PASSPHRASE_VARIABLE }),
    environment,
  });
}

const isSet = (environment: NodeJS.ProcessEnv, name: string): boolean => (environment[name] ?? '') !== '';

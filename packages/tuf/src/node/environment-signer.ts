import { createPrivateKey, createPublicKey } from 'node:crypto';
import { KeyFileError, SignerError } from '../errors.ts';
import { publicKeyFromSpki } from '../keys/from-spki.ts';
import { openKeyFile } from './key-file.ts';
import { isLocalScheme, type LocalSigner, localSigner } from './local-signer.ts';

/** For {@link environmentSigner}. */
export interface EnvironmentSignerOptions {
  /** The variable with the key: the content of a key file, or a private key in PEM (PKCS #8). */
  readonly variable: string;
  /** The variable with the passphrase, for keys that have one. */
  readonly passphraseVariable?: string;
  /** What an RSA key in PEM signs with; `rsassa-pss-sha256` by default. A key file names its scheme itself. */
  readonly scheme?: string;
  /** Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * A signer whose key is in an environment variable, as CI systems hand out secrets. Whatever this process starts
 * inherits the variable; delete it from `process.env` where that matters.
 * @throws SignerError (`no-such-key`) when a variable is not set
 * @throws KeyFileError when the key is damaged or the passphrase does not open it
 * @throws KeyError when the key does not fit the scheme, or no scheme fits the key
 */
export async function environmentSigner(options: EnvironmentSignerOptions): Promise<LocalSigner> {
  const { variable, passphraseVariable, environment = process.env } = options;
  const read = (name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '')
      throw new SignerError('the environment', 'no-such-key', `the variable ${name} is not set`);
    return value;
  };
  const text = read(variable).trim();
  const passphrase = passphraseVariable === undefined ? undefined : read(passphraseVariable);
  const name = `the environment variable ${variable}`;
  if (text.startsWith('{')) return openKeyFile(name, Buffer.from(text), passphrase);
  return fromPem(name, text, passphrase, options.scheme);
}

async function fromPem(
  name: string,
  pem: string,
  passphrase: string | undefined,
  wanted: string | undefined,
): Promise<LocalSigner> {
  if (passphrase === undefined && pem.includes('ENCRYPTED')) throw new KeyFileError(name, 'passphrase-missing');
  const key = openPem(name, pem, passphrase);
  const { scheme } = await publicKeyFromSpki(createPublicKey(key).export({ format: 'der', type: 'spki' }), wanted);
  if (!isLocalScheme(scheme)) throw new SignerError(name, 'unsupported', `the scheme ${scheme}`);
  return localSigner(key, scheme);
}

function openPem(name: string, pem: string, passphrase: string | undefined): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw new KeyFileError(name, pem.includes('ENCRYPTED') ? 'passphrase-wrong' : 'damaged', error);
  }
}

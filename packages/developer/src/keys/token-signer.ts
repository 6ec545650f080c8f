import type { pkcs11Signer } from '@holdfast/signer-pkcs11';
import type { Signer } from '@holdfast/tuf';
import { SignerMissingError } from '../errors.ts';
import type { AskSecret } from './ask-secret.ts';
import { parseTokenUri } from './pkcs11-uri.ts';

const PACKAGE = '@holdfast/signer-pkcs11';

/**
 * The signer of a key in a PKCS #11 token. The PIN is asked for once: tokens lock themselves after a few wrong ones, so a wrong
 * one ends the command instead of being tried again.
 * @throws InvalidTokenUriError, SignerMissingError, SignerError
 */
export async function tokenSigner(uri: string, ask: AskSecret): Promise<Signer> {
  const { module, token, key } = parseTokenUri(uri);
  const make = await loadPackage();
  let answer: Promise<string> | undefined;
  const pin = (): Promise<string> => (answer ??= ask({ kind: 'pin', prompt: `PIN of the token ${token}` }));
  const signer = await make({ module, token, key, pin });
  const prepared: AskingSigner = {
    key: signer.key,
    sign: (data) => signer.sign(data),
    prepare: async () => void (await pin()),
  };
  return prepared;
}

/** A signer that has to ask its owner for something before it signs. */
interface AskingSigner extends Signer {
  readonly prepare: () => Promise<void>;
}

/** Has a signer ask now what it would ask at its first signature: before files are sent that could not be signed. */
export async function prepareSigner(signer: Signer): Promise<void> {
  if (isAsking(signer)) await signer.prepare();
}

const isAsking = (signer: Signer): signer is AskingSigner => 'prepare' in signer;

/** It is compiled where it is installed, so only those who have tokens install it. */
async function loadPackage(): Promise<typeof pkcs11Signer> {
  try {
    return (await import('@holdfast/signer-pkcs11')).pkcs11Signer;
  } catch (cause) {
    throw new SignerMissingError(PACKAGE, { cause });
  }
}

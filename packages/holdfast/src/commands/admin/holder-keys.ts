import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AskSecret, openSource } from '@holdfast/developer';
import { readPublicKeyFile } from '@holdfast/operator';
import type { PublicKey, Signer } from '@holdfast/tuf';
import { type Options, text } from '../../arguments.ts';
import { UsageError } from '../../command.ts';
import { readPassphrase } from '../../passphrase.ts';

export const KEY_HELP = [
  '  KEY is a key file, a folder of key files, ssh:SHA256:… (a key in your SSH agent, as "ssh-add -l" prints it), or',
  '  pkcs11:token=NAME;object=KEY?module-path=/usr/lib/….so (a key in a token)',
].join('\n');

/** Asks for what opens the keys of one holder, once for each folder. */
function askOnce(options: Options): AskSecret {
  const known = new Map<string, Promise<string>>();
  return ({ kind, prompt }) => {
    const asked =
      known.get(prompt) ??
      readPassphrase({
        ...(kind !== 'pin' && { file: text(options, 'offline-passphrase-file') }),
        variable: kind === 'pin' ? 'HOLDFAST_PIN' : 'HOLDFAST_OFFLINE_PASSPHRASE',
        prompt,
      });
    known.set(prompt, asked);
    return asked;
  };
}

/** The signers that a person names. @throws UsageError, and what opening a key throws */
export async function openHolderKeys(names: readonly string[], options: Options): Promise<Signer[]> {
  const ask = askOnce(options);
  const signers: Signer[] = [];
  for (const name of names) signers.push(...(await openNamed(name, ask)));
  return signers;
}

/** An offline key belongs to no account of the index. */
const NOBODY = { index: '', account: 'a holder of offline keys' };

async function openNamed(name: string, ask: AskSecret): Promise<Signer[]> {
  if (name.startsWith('pkcs11:')) return [await openSource({ kind: 'pkcs11', uri: name }, NOBODY, ask)];
  if (name.startsWith('ssh:')) return [await openSource({ kind: 'ssh', fingerprint: name.slice(4) }, NOBODY, ask)];
  if (!(await stat(name)).isDirectory()) return [await openSource({ kind: 'file', path: name }, NOBODY, ask)];
  const files = (await readdir(name)).filter((file) => file.endsWith('.json') && !file.endsWith('.public.json')).sort();
  if (files.length === 0) throw new UsageError(`${name} holds no key`);
  // One holder has one passphrase.
  const askForFolder: AskSecret = (request) => ask({ ...request, prompt: `Passphrase of the keys in ${name}` });
  return Promise.all(files.map((file) => openSource({ kind: 'file', path: join(name, file) }, NOBODY, askForFolder)));
}

/** A public key that a person names: of a file that has nothing else, or of any key that can be opened. */
export async function publicKeyNamed(name: string, options: Options): Promise<PublicKey> {
  if (name.endsWith('.public.json')) return readPublicKeyFile(name);
  const [signer, ...others] = await openHolderKeys([name], options);
  if (!signer || others.length > 0) throw new UsageError(`${name} is not one key`);
  return signer.key;
}

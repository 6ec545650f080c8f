import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isOfflineRole, OFFLINE_ROLES, writePublicKeyFile } from '@holdfast/operator';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { readArguments, texts } from '../../arguments.ts';
import { type Command, UsageError } from '../../command.ts';
import { note, print } from '../../terminal.ts';
import { KEY_HELP, publicKeyNamed } from './holder-keys.ts';
import { newPassphrases } from './new-passphrase.ts';

export const adminKey: Command = {
  name: 'admin key',
  usage: 'FOLDER ROLE… [--key KEY]',
  summary: 'make the offline keys of a new holder, on a machine without a network',
  details: [
    '  FOLDER                   of the holder, must not be there yet; it gets ROLE.json, encrypted, and ROLE.public.json',
    `  ROLE                     ${OFFLINE_ROLES.join(', ')}`,
    '  --key KEY                take this one instead of making any: only ROLE.public.json is written',
    KEY_HELP,
    '  --offline-passphrase-file FILE   passphrase of the keys; or HOLDFAST_OFFLINE_PASSPHRASE, or it is asked for',
    'ROLE.public.json goes to the index: holdfast admin export DIRECTORY FILE --add ROLE=ROLE.public.json',
  ].join('\n'),
  async run(args) {
    const own = { key: { type: 'string', multiple: true }, 'offline-passphrase-file': { type: 'string' } } as const;
    const { options, positionals } = readArguments(args, own, ['FOLDER', 'ROLE…']);
    const [folder = '', ...roles] = positionals;
    for (const role of roles)
      if (!isOfflineRole(role)) throw new UsageError(`"${role}" is none of ${OFFLINE_ROLES.join(', ')}`);
    const [named, ...others] = texts(options, 'key');
    if (others.length > 0) throw new UsageError('--key may be given once');
    const brought = named === undefined ? undefined : await publicKeyNamed(named, options);
    const passphrase = brought ? '' : await newPassphrases(options)(`Passphrase of the keys in ${folder}`);
    await mkdir(folder, { mode: 0o700 });
    for (const role of roles) {
      const made = brought ? undefined : await generateKey('ed25519');
      const key = brought ?? made?.key;
      if (made) await writeKeyFile(join(folder, `${role}.json`), made, passphrase);
      if (key) await writePublicKeyFile(join(folder, `${role}.public.json`), key);
      print(`${role.padEnd(15)} ${key?.keyid}`);
    }
    note(`The index needs the .public.json files of ${folder}, and nothing else.`);
    return 0;
  },
};

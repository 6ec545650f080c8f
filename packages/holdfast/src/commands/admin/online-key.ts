import { addOnlineKey } from '@holdfast/index';
import { writePublicKeyFile } from '@holdfast/operator';
import { generateKey } from '@holdfast/tuf/node';
import { readArguments, text } from '../../arguments.ts';
import type { Command } from '../../command.ts';
import { readPassphrase } from '../../passphrase.ts';
import { note, print } from '../../terminal.ts';

export const adminOnlineKey: Command = {
  name: 'admin online-key',
  usage: 'DIRECTORY FILE.public.json',
  summary: 'make another online key for an index, to take the place of the present one',
  details: [
    'It signs nothing before the holders of the offline keys say so:',
    '  holdfast admin export DIRECTORY FILE --add online=FILE.public.json --remove online=KEYID',
    'Start "holdfast serve" again before the import, so that it has the key.',
    '  --passphrase-file FILE   passphrase of the online keys; or HOLDFAST_PASSPHRASE, or it is asked for',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, { 'passphrase-file': { type: 'string' } }, [
      'DIRECTORY',
      'FILE',
    ]);
    const [directory = '', file = ''] = positionals;
    const passphrase = await readPassphrase({
      file: text(options, 'passphrase-file'),
      variable: 'HOLDFAST_PASSPHRASE',
      prompt: 'Passphrase of the online keys',
    });
    const online = await generateKey('ed25519');
    await addOnlineKey(directory, online, passphrase);
    await writePublicKeyFile(file, online.key);
    note(`${directory} has the key, and does not use it yet.`);
    print(online.key.keyid);
    return 0;
  },
};

import { openSigner, requestCode, requestKey } from '@holdfast/developer';
import { readArguments, text } from '../arguments.ts';
import type { Command } from '../command.ts';
import { note, print } from '../terminal.ts';
import { developerSession, SECRET_HELP, SECRET_OPTIONS, secretsFrom } from './key-secrets.ts';

export const keyCode: Command = {
  name: 'key code',
  usage: '[INDEX] [--key KEYID]',
  summary: 'your public key as a code for those who let you sign: claim --with, delegate --to, rotate --add',
  details: [
    '  --key KEYID              another key than the one in use',
    SECRET_HELP,
    'Nothing in the code is secret.',
  ].join('\n'),
  async run(args) {
    const declared = { ...SECRET_OPTIONS, key: { type: 'string' } } as const;
    const { options, positionals } = readArguments(args, declared, ['[INDEX]']);
    const { home, account } = await developerSession(positionals[0]);
    const key = text(options, 'key');
    const signer = await openSigner(home, { ...account, ask: secretsFrom(options), ...(key !== undefined && { key }) });
    const { keyid } = signer.key;
    if (!account.keys.some((each) => each.key.keyid === keyid))
      note('The index does not know this key yet, and takes no signature by it before: holdfast account add-key.');
    print(requestCode(await requestKey(account, signer, '')));
    return 0;
  },
};

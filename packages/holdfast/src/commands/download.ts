import { download } from '@holdfast/installer';
import { readArguments, text } from '../arguments.ts';
import type { Command } from '../command.ts';
import { print, printJson } from '../terminal.ts';
import { openClient } from './clients.ts';

export const downloadCommand: Command = {
  name: 'download',
  usage: 'PROJECT==VERSION|FILENAME… [--to DIRECTORY] [--index NAME] [--json]',
  summary: 'fetch verified files into a directory',
  async run(args) {
    const { options, positionals } = readArguments(
      args,
      { to: { type: 'string', default: '.' }, index: { type: 'string' }, json: { type: 'boolean' } },
      ['PROJECT==VERSION|FILENAME…'],
    );
    const client = await openClient(text(options, 'index'));
    try {
      const written = await download(client, positionals, text(options, 'to') ?? '.');
      if (options.get('json') === true)
        printJson(written.map(({ path, file }) => ({ path, sha256: file.sha256, size: file.size })));
      else for (const { path } of written) print(path);
      return 0;
    } finally {
      client.close();
    }
  },
};

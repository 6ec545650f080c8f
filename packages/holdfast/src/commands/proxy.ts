import { type RunningProxy, startProxy } from '@holdfast/installer';
import { integer, readArguments, text, texts } from '../arguments.ts';
import type { Command } from '../command.ts';
import { note, paintNote, print } from '../terminal.ts';
import { untilStopped } from '../signals.ts';
import { openClients } from './clients.ts';

export const proxy: Command = {
  name: 'proxy',
  usage: '[--port PORT] [--index NAME] [--unsafe-allow-unverified-host HOST]…',
  summary: 'run the verifying proxy until you stop it',
  details: '  --port PORT   on 127.0.0.1; without it, a free one',
  async run(args) {
    const { options } = readArguments(
      args,
      {
        port: { type: 'string' },
        index: { type: 'string' },
        'unsafe-allow-unverified-host': { type: 'string', multiple: true },
      },
      [],
    );
    const port = integer(options, 'port', { least: 1, most: 65_535, otherwise: 0 });
    const hosts = texts(options, 'unsafe-allow-unverified-host');
    const clients = await openClients(text(options, 'index'));
    let running: RunningProxy | undefined;
    try {
      running = await startProxy({
        clients,
        port,
        allowUnverifiedHosts: hosts,
        onRefusal: ({ subject, explanation }) =>
          note(`${paintNote('red', `REFUSED ${subject}`)}\n  ${explanation.sentence}\n  ${explanation.remedy}`),
      });
      const stopped = untilStopped();
      if (hosts.length > 0) note(paintNote('red', `UNSAFE: nothing from ${hosts.join(', ')} is verified.`));
      for (const client of clients) print(`${client.name}  ${running.indexUrl(client.name)}`);
      note(`What it verified and refused: ${running.url}/`);
      await stopped;
      return 0;
    } finally {
      // The clients first, so that nothing that is still being fetched ahead is waited for.
      for (const client of clients) client.close();
      await running?.close();
    }
  },
};

import { drawChain, type FileVerdict, type IndexClient, verifyFiles } from '@holdfast/installer';
import { readArguments, text } from '../arguments.ts';
import type { Command } from '../command.ts';
import { paint, print, printJson } from '../terminal.ts';
import { openClients } from './clients.ts';

export const verify: Command = {
  name: 'verify',
  usage: 'FILE… [--index NAME] [--chain] [--json]',
  summary: 'who vouched for these wheels and sdists?',
  details: [
    '  --chain   draw the chain of trust of each file',
    'Exit code 1 when a file is not exactly what a trusted index publishes.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(
      args,
      { index: { type: 'string' }, chain: { type: 'boolean' }, json: { type: 'boolean' } },
      ['FILE…'],
    );
    const clients = await openClients(text(options, 'index'));
    try {
      const verdicts = await verifyFiles(clients, positionals);
      if (options.get('json') === true) printJson(verdicts.map(describe));
      else for (const verdict of verdicts) show(verdict, clients, options.get('chain') === true);
      return verdicts.every(({ verdict }) => verdict === 'verified') ? 0 : 1;
    } finally {
      for (const client of clients) client.close();
    }
  },
};

function show(verdict: FileVerdict, clients: readonly IndexClient[], chain: boolean): void {
  if (verdict.verdict !== 'verified') {
    print(`${paint('red', '✗')} ${verdict.filename}  ${reasons[verdict.verdict]}`);
    return;
  }
  for (const file of verdict.entries) {
    const { index, chain: roles, keyids } = file.voucher;
    const keys = keyids.map((keyid) => keyid.slice(0, 12)).join(', ');
    print(`${paint('green', '✓')} ${verdict.filename}  ${index}: root → ${roles.join(' → ')}, key ${keys}`);
    const client = clients.find(({ name }) => name === index);
    if (chain && client?.freshness) {
      print(
        drawChain(
          { file, freshness: client.freshness, fingerprint: client.trusted.fingerprint },
          { colour: process.stdout.isTTY },
        ),
      );
    }
  }
}

const reasons = {
  different: 'is NOT what the index publishes under this name: do not use it',
  unlisted: 'no trusted index publishes a file of this name',
  'not-a-distribution': 'its name is neither that of a wheel nor of an sdist',
} as const;

function describe({ path, filename, sha256, size, verdict, entries }: FileVerdict): object {
  const vouchers = entries.map((file) => ({
    index: file.voucher.index,
    roles: file.voucher.chain,
    keyids: file.voucher.keyids,
    version: file.voucher.version,
    expires: file.voucher.expires.toISOString(),
    sha256: file.sha256,
  }));
  return { path, filename, sha256, size, verdict, vouchers };
}

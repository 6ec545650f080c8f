import { open } from 'node:fs/promises';
import {
  addTrust,
  forgetTrustedTime,
  holdfastHome,
  listTrust,
  removeTrust,
  type TrustedIndex,
  withoutCredentials,
} from '@holdfast/installer';
import { readArguments, text, texts } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note, paint, print, printJson } from '../terminal.ts';

/** Greatest size of a root file given on the command line, in bytes. */
const MAX_ROOT_BYTES = 512_000;

export const trustAdd: Command = {
  name: 'trust add',
  usage: 'NAME URL (--root FILE | --fingerprint HEX) [--mirror URL]…',
  summary: 'begin to trust an index',
  details: [
    '  --root FILE         its root metadata, from a source that you trust',
    "  --fingerprint HEX   or the SHA-256 of that file, as the index's operators publish it",
    '  --mirror URL        another address of the same index; may be given more than once',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(
      args,
      { root: { type: 'string' }, fingerprint: { type: 'string' }, mirror: { type: 'string', multiple: true } },
      ['NAME', 'URL'],
    );
    const [name = '', url = ''] = positionals;
    const file = text(options, 'root');
    const fingerprint = text(options, 'fingerprint');
    if ((file === undefined) === (fingerprint === undefined)) {
      throw new UsageError(
        'give either --root FILE or --fingerprint HEX: trust must begin with something that the network cannot change',
      );
    }
    const root = file === undefined ? (fingerprint ?? '') : await readRootFile(file);
    const trusted = await addTrust({ home: holdfastHome(), name, urls: [url, ...texts(options, 'mirror')], root });
    note(`Trusting ${paint('bold', trusted.name)} from root ${trusted.fingerprint}.`);
    note('Compare this fingerprint with the one that the operators publish, unless that is where you got it from.');
    return 0;
  },
};

export const trustList: Command = {
  name: 'trust list',
  usage: '[--json]',
  summary: 'the indexes that you trust',
  async run(args) {
    const { options } = readArguments(args, { json: { type: 'boolean' } }, []);
    const all = await listTrust(holdfastHome());
    if (options.get('json') === true) printJson(all.map(describe));
    else if (all.length === 0) note('You trust no index yet. holdfast trust add NAME URL --root FILE begins.');
    else
      for (const trusted of all)
        print(`${trusted.name}  ${trusted.urls.map(withoutCredentials).join('  ')}  root ${trusted.fingerprint}`);
    return 0;
  },
};

export const trustRemove: Command = {
  name: 'trust remove',
  usage: 'NAME',
  summary: 'end the trust in an index and forget its metadata',
  async run(args) {
    const [name = ''] = readArguments(args, {}, ['NAME']).positionals;
    await removeTrust(holdfastHome(), name);
    note(`${name} is no longer trusted.`);
    return 0;
  },
};

export const trustForgetTime: Command = {
  name: 'trust forget-time',
  usage: 'NAME',
  summary: "believe this computer's clock again, after it was wrongly ahead",
  details: [
    'A clock that was set back is refused, since expired metadata would pass as current. Use this only when you know that the clock is right',
    'now and was not before. What was seen of the index stays refused when it is older.',
  ].join('\n'),
  async run(args) {
    const [name = ''] = readArguments(args, {}, ['NAME']).positionals;
    await forgetTrustedTime(holdfastHome(), name);
    note(`It is ${new Date().toISOString()} here, and that is believed from now on.`);
    return 0;
  },
};

async function readRootFile(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_ROOT_BYTES) throw new UsageError(`${path} is ${size} bytes long: too long for root metadata`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function describe({ name, urls, fingerprint, addedAt }: TrustedIndex): object {
  return { name, urls: urls.map(withoutCredentials), fingerprint, addedAt: addedAt.toISOString() };
}

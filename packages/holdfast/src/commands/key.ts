import { resolve } from 'node:path';
import {
  chooseIndex,
  createKey,
  describeSource,
  firstRootFingerprint,
  forgetKey,
  type KeyRecord,
  type KeySource,
  listKeys,
  proposePhrase,
} from '@holdfast/developer';
import { holdfastHome, listTrust } from '@holdfast/installer';
import { type Options, readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note, paint, print, printJson } from '../terminal.ts';
import { developerSession, SECRET_HELP, SECRET_OPTIONS, secretsFrom } from './key-secrets.ts';

const SOURCE_OPTIONS = {
  phrase: { type: 'boolean' },
  file: { type: 'string' },
  ssh: { type: 'string' },
  pkcs11: { type: 'string' },
} as const;

export const keyCreate: Command = {
  name: 'key create',
  usage: '[INDEX] (--phrase | --file PATH | --ssh FINGERPRINT | --pkcs11 URI) [--account NAME]',
  summary: 'make or choose the key that you sign releases with',
  details: [
    '  --phrase                 from a secret phrase: the same key on every machine, and nothing to keep but the phrase',
    '  --file PATH              an encrypted key file, made unless it is there',
    '  --ssh FINGERPRINT        a key in your SSH agent, as "ssh-add -l" prints it',
    '  --pkcs11 URI             a key in a token: pkcs11:token=NAME;object=KEY?module-path=/usr/lib/….so',
    '  --account NAME           your account at the index; asked from the index by default',
    SECRET_HELP,
    'It is used from then on; what was used before stays in the list. No private key and no phrase leaves this machine.',
  ].join('\n'),
  async run(args) {
    const options = { ...SOURCE_OPTIONS, ...SECRET_OPTIONS, account: { type: 'string' } } as const;
    const { options: given, positionals } = readArguments(args, options, ['[INDEX]']);
    const source = sourceOf(given);
    const owner = await ownerOf(positionals[0], text(given, 'account'));
    if (source.kind === 'phrase' && process.stdin.isTTY) propose(given);
    const ask = secretsFrom(given);
    const { name, index, account, registered } = owner;
    const record = await createKey({ home: holdfastHome(), index, account, source, ask, hints: [name] });
    const { keyid, scheme } = record.key;
    note(
      `${account} at ${name} signs with key ${paint('bold', keyid.slice(0, 12))} (${scheme}) from now on: ${describeSource(source)}.`,
    );
    if (registered.has(keyid)) note(`It is registered with ${account} already.`);
    else note(`Register it: holdfast account add-key ${name}`);
    if (registered.size > 0 && !registered.has(keyid))
      note(
        `${account} has registered ${[...registered].map((id) => id.slice(0, 12)).join(', ')}. Was this to be one of them? Then something was mistyped.`,
      );
    print(keyid);
    return 0;
  },
};

export const keyPhrase: Command = {
  name: 'key phrase',
  usage: '',
  summary: 'propose a secret phrase that nobody can guess',
  async run(args) {
    readArguments(args, {}, []);
    print(proposePhrase());
    return 0;
  },
};

export const keyList: Command = {
  name: 'key list',
  usage: '[--json]',
  summary: 'your keys, and where each of them is',
  async run(args) {
    const { options } = readArguments(args, { json: { type: 'boolean' } }, []);
    const records = await listKeys(holdfastHome());
    if (options.get('json') === true) printJson(records.map(describe));
    else if (records.length === 0) note('You have no key yet. holdfast key create --phrase makes one.');
    else await printRecords(records);
    return 0;
  },
};

export const keyForget: Command = {
  name: 'key forget',
  usage: 'KEYID',
  summary: 'strike a key off the list; the key itself stays where it is',
  async run(args) {
    const [keyid = ''] = readArguments(args, {}, ['KEYID']).positionals;
    const { account, source } = await forgetKey(holdfastHome(), keyid);
    note(`Forgotten: ${describeSource(source)} of ${account}. What it signed stays signed.`);
    return 0;
  },
};

function sourceOf(options: Options): KeySource {
  const given = Object.keys(SOURCE_OPTIONS).filter((name) => options.has(name));
  if (given.length !== 1) throw new UsageError('give one of --phrase, --file PATH, --ssh FINGERPRINT and --pkcs11 URI');
  const [file, fingerprint, uri] = [text(options, 'file'), text(options, 'ssh'), text(options, 'pkcs11')];
  if (file !== undefined) return { kind: 'file', path: resolve(file) };
  if (fingerprint !== undefined) return { kind: 'ssh', fingerprint };
  return uri === undefined ? { kind: 'phrase' } : { kind: 'pkcs11', uri };
}

interface Owner {
  readonly name: string;
  readonly index: string;
  readonly account: string;
  readonly registered: ReadonlySet<string>;
}

/** With the account's name no token is needed, and no network when trust began with the first root. */
async function ownerOf(wanted: string | undefined, account: string | undefined): Promise<Owner> {
  if (account === undefined) {
    const { trusted, account: known } = await developerSession(wanted);
    const registered = new Set(known.keys.map(({ key }) => key.keyid));
    return { name: trusted.name, index: known.index, account: known.account, registered };
  }
  // Another spelling would make another key.
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(account)) throw new UsageError(`"${account}" is not an account name`);
  const { trusted } = await chooseIndex(holdfastHome(), wanted);
  const index = await firstRootFingerprint(holdfastHome(), trusted);
  return { name: trusted.name, index, account, registered: new Set() };
}

function propose(options: Options): void {
  if (options.has('phrase-file') || process.env['HOLDFAST_PHRASE']) return;
  note('Take a phrase of words that chance chose, and keep it where only you find it. A proposal, made just now:');
  note(`  ${paint('bold', proposePhrase())}`);
}

async function printRecords(records: readonly KeyRecord[]): Promise<void> {
  const home = holdfastHome();
  const names = new Map<string, string>();
  for (const trusted of await listTrust(home)) names.set(await firstRootFingerprint(home, trusted), trusted.name);
  const seen = new Set<string>();
  for (const { index, account, key, source } of records) {
    const owner = `${account} at ${names.get(index) ?? index.slice(0, 12)}`;
    const mark = seen.has(owner) ? ' ' : '*';
    seen.add(owner);
    print(`${mark} ${key.keyid.slice(0, 12)}  ${owner}  ${key.scheme}  ${describeSource(source)}`);
  }
}

function describe({ index, account, key, source, addedAt }: KeyRecord): object {
  return { keyid: key.keyid, index, account, scheme: key.scheme, source, addedAt: addedAt.toISOString() };
}

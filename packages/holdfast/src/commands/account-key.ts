import {
  type Account,
  describeSource,
  firstRootFingerprint,
  forgetToken,
  type KeyRequest,
  listKeys,
  openRecord,
  openSigner,
  readRequestCode,
  registerKey,
  requestCode,
  requestKey,
  type Session,
  unregisterKey,
} from '@holdfast/developer';
import { chooseIndex } from '@holdfast/developer';
import { holdfastHome, listTrust, withoutCredentials } from '@holdfast/installer';
import type { Signer } from '@holdfast/tuf';
import { type Options, readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note, paint, print, printJson } from '../terminal.ts';
import { confirmed, developerSession, SECRET_HELP, SECRET_OPTIONS, secretsFrom } from './key-secrets.ts';

export const accountAddKey: Command = {
  name: 'account add-key',
  usage: '[INDEX] [--label TEXT] [--key KEYID]',
  summary: 'register the key in use with your account at an index',
  details: [
    '  --label TEXT             what to call it there',
    '  --key KEYID              another key of "holdfast key list"',
    SECRET_HELP,
    'When the account has a key already, that one must vouch for the new one. If it is on another machine, a code is printed',
    'that "holdfast account vouch" takes there.',
  ].join('\n'),
  async run(args) {
    const declared = { ...SECRET_OPTIONS, label: { type: 'string' }, key: { type: 'string' } } as const;
    const { options, positionals } = readArguments(args, declared, ['[INDEX]']);
    const session = await developerSession(positionals[0]);
    const { account, trusted } = session;
    const signer = await openSigner(session.home, { ...account, ...keyOption(options), ask: secretsFrom(options) });
    const { keyid } = signer.key;
    if (account.keys.some(({ key }) => key.keyid === keyid)) {
      note(`Key ${keyid.slice(0, 12)} is registered with ${account.account} at ${trusted.name} already.`);
      return 0;
    }
    const label = text(options, 'label') ?? (await ownLabel(session, keyid));
    const request = await requestKey(account, signer, label);
    const voucher = account.keys.length === 0 ? undefined : await localVoucher(session, keyid, options);
    if (account.keys.length > 0 && voucher === undefined) return handOver(request, account);
    await registerKey(session.api, request, voucher);
    note(`Key ${paint('bold', keyid.slice(0, 12))} is registered with ${account.account} at ${trusted.name}.`);
    if (voucher) note(`Key ${voucher.key.keyid.slice(0, 12)} vouched for it.`);
    return 0;
  },
};

export const accountVouch: Command = {
  name: 'account vouch',
  usage: 'CODE [--keyid ID]',
  summary: 'let a key of yours vouch for one on another machine',
  details: [
    '  CODE         what "holdfast account add-key" printed there',
    '  --keyid ID   the id of the new key, as that machine shows it, instead of being asked',
    SECRET_HELP,
  ].join('\n'),
  async run(args) {
    const declared = { ...SECRET_OPTIONS, keyid: { type: 'string' } } as const;
    const { options, positionals } = readArguments(args, declared, ['CODE']);
    const request = await readRequestCode(positionals[0] ?? '');
    const session = await sessionOf(request);
    const { keyid } = request.key;
    const expected = text(options, 'keyid');
    if (expected !== undefined && expected !== keyid)
      throw new UsageError(`the code is for key ${keyid}, not ${expected}: somebody may have changed it`);
    note(`The code asks for key ${keyid} to sign for ${request.account} at ${session.trusted.name}.`);
    if (expected === undefined && !(await confirmed('Does the other machine show this id?', '--keyid ID'))) {
      note('Nothing was signed.');
      return 1;
    }
    const voucher = await localVoucher(session, keyid, options);
    if (voucher === undefined)
      throw new UsageError(`none of the keys on this machine is registered with ${request.account}`);
    await registerKey(session.api, request, voucher);
    note(`Key ${keyid.slice(0, 12)} is registered with ${request.account}.`);
    return 0;
  },
};

export const accountKeys: Command = {
  name: 'account keys',
  usage: '[INDEX] [--json]',
  summary: 'the keys that your account has registered at an index',
  async run(args) {
    const { options, positionals } = readArguments(args, { json: { type: 'boolean' } }, ['[INDEX]']);
    const { home, account } = await developerSession(positionals[0]);
    const here = new Map((await listKeys(home, account)).map(({ key, source }) => [key.keyid, source]));
    if (options.get('json') === true)
      printJson({ account: account.account, index: account.index, keys: account.keys.map(describe) });
    else if (account.keys.length === 0)
      note(`${account.account} has no key there. holdfast account add-key registers one.`);
    for (const { key, label, addedAt } of options.get('json') === true ? [] : account.keys) {
      const source = here.get(key.keyid);
      const where = source === undefined ? 'not on this machine' : describeSource(source);
      print(
        [key.keyid.slice(0, 12), key.scheme, addedAt.toISOString().slice(0, 10), where, label].join('  ').trimEnd(),
      );
    }
    return 0;
  },
};

export const accountRemoveKey: Command = {
  name: 'account remove-key',
  usage: 'INDEX KEYID',
  summary: 'take a key away from your account: it can claim nothing any more',
  details: [
    SECRET_HELP,
    'Signed by another key of the account on this machine, or else by the key itself. Projects keep the keys that they',
    'have: change those with "holdfast rotate".',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, SECRET_OPTIONS, ['INDEX', 'KEYID']);
    const [index, keyid = ''] = positionals;
    const session = await developerSession(index);
    const { account } = session;
    const found = account.keys.filter(({ key }) => keyid.length >= 4 && key.keyid.startsWith(keyid));
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new UsageError(
        `${found.length === 0 ? 'no key' : 'more than one key'} of ${account.account} begins with "${keyid}"`,
      );
    const voucher = await localVoucher(session, only.key.keyid, options);
    if (voucher === undefined)
      throw new UsageError(`none of the keys on this machine is registered with ${account.account}`);
    await unregisterKey(session.api, account, only.key, voucher);
    note(`Key ${only.key.keyid.slice(0, 12)} is no longer one of ${account.account}, and never will be again.`);
    if (account.keys.length === 1) note('It was the last one: now the token alone can register another.');
    return 0;
  },
};

export const accountLogout: Command = {
  name: 'account logout',
  usage: '[INDEX]',
  summary: 'forget the API token that was typed for an index',
  async run(args) {
    const { positionals } = readArguments(args, {}, ['[INDEX]']);
    const { url } = await chooseIndex(holdfastHome(), positionals[0]);
    const bare = withoutCredentials(url);
    note(
      (await forgetToken(holdfastHome(), bare))
        ? `The token for ${bare} is forgotten.`
        : `No token is kept for ${bare}.`,
    );
    return 0;
  },
};

const LABELS = { phrase: 'secret phrase', file: 'key file', ssh: 'SSH agent', pkcs11: 'token' } as const;

/** What kind of key it is: nothing of this machine, such as its name, is told to the index unasked. */
async function ownLabel({ home, account }: Session, keyid: string): Promise<string> {
  const record = (await listKeys(home, account)).find(({ key }) => key.keyid === keyid);
  return record === undefined ? 'environment' : LABELS[record.source.kind];
}

const keyOption = (options: Options): { key?: string } => {
  const key = text(options, 'key');
  return key === undefined ? {} : { key };
};

/** A key on this machine that the account has registered, rather another one than that of this id. */
async function localVoucher({ home, account }: Session, keyid: string, options: Options): Promise<Signer | undefined> {
  const registered = new Set(account.keys.map(({ key }) => key.keyid));
  const usable = (await listKeys(home, account)).filter(({ key }) => registered.has(key.keyid));
  const chosen = usable.find(({ key }) => key.keyid !== keyid) ?? usable[0];
  return chosen && openRecord(chosen, secretsFrom(options));
}

function handOver(request: KeyRequest, { account }: Account): number {
  note(
    `${account} has a key already, and it is not on this machine. There, run this, and compare the id ${request.key.keyid}:`,
  );
  print(`holdfast account vouch ${requestCode(request)}`);
  return 0;
}

async function sessionOf({ index, account }: KeyRequest): Promise<Session> {
  const home = holdfastHome();
  for (const trusted of await listTrust(home)) {
    if ((await firstRootFingerprint(home, trusted)) !== index) continue;
    const session = await developerSession(trusted.name);
    if (session.account.account === account) return session;
    throw new UsageError(
      `the code is for the account ${account}, and the token here is one of ${session.account.account}`,
    );
  }
  throw new UsageError('the code is for an index that is not trusted here');
}

function describe({ key, label, addedAt, vouchedBy }: Account['keys'][number]): object {
  return { keyid: key.keyid, scheme: key.scheme, public: key.public, label, addedAt: addedAt.toISOString(), vouchedBy };
}

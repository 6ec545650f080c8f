import { chooseIndex, listKeys, openRecord, openSigner, type Session, type Workbench } from '@holdfast/developer';
import { holdfastHome, IndexClient } from '@holdfast/installer';
import { type Signer, SignerError } from '@holdfast/tuf';
import { type Options, text } from '../arguments.ts';
import { UsageError } from '../command.ts';
import { tell } from './clients.ts';
import { developerSession, SECRET_HELP, SECRET_OPTIONS, secretsFrom } from './key-secrets.ts';

/** Options of every command that changes a project. */
export const BENCH_OPTIONS = {
  ...SECRET_OPTIONS,
  index: { type: 'string' },
  key: { type: 'string' },
  expires: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const BENCH_HELP = [
  '  --index NAME             the trusted index, when you trust more than one',
  '  --key KEYID              sign with another key than the one in use (holdfast key list)',
  '  --expires DATE           until when installers believe what is signed: 2028-06-30, or 400d (default: two years)',
  SECRET_HELP,
  '  --json                   what was done, for programs',
].join('\n');

/** A workbench that is closed when its user is done. */
export interface OpenBench extends Workbench {
  readonly session: Session;
}

/** Opens the index for a developer: its metadata is verified while it is asked whose token this is. */
export async function withBench<T>(options: Options, use: (bench: OpenBench) => Promise<T>): Promise<T> {
  const home = holdfastHome();
  const { trusted } = await chooseIndex(home, text(options, 'index'));
  const client = await IndexClient.open({ home, name: trusted.name, onNotice: tell });
  try {
    const [session] = await Promise.all([developerSession(text(options, 'index')), client.refresh()]);
    return await use(benchOf(session, client, options));
  } finally {
    client.close();
  }
}

function benchOf(session: Session, client: IndexClient, options: Options): OpenBench {
  const { home, account, api } = session;
  const ask = secretsFrom(options);
  const key = text(options, 'key');
  let signer: Promise<Signer> | undefined;
  return {
    session,
    client,
    api,
    account: account.account,
    index: account.index,
    now: () => new Date(),
    signer: () => (signer ??= openSigner(home, { ...account, ask, ...(key !== undefined && { key }) })),
    otherSigner: async (keyid) => {
      const records = await listKeys(home, account);
      const record = records.find((each) => each.key.keyid === keyid);
      return record && openRecord(record, ask);
    },
    quietSigner: async (keyid) => {
      const records = await listKeys(home, account);
      const record = records.find((each) => each.key.keyid === keyid && each.source.kind === 'ssh');
      try {
        return record && (await openRecord(record, ask));
      } catch (error) {
        if (error instanceof SignerError) return undefined; // not in the agent today: then it is not at hand
        throw error;
      }
    },
  };
}

const DAY_MS = 86_400_000;

/**
 * When what is signed expires: a date, or days from now.
 * @throws UsageError
 */
export function expiresFrom(options: Options, now = new Date()): Date | undefined {
  const given = text(options, 'expires');
  if (given === undefined) return undefined;
  const [, days] = /^(\d{1,4})d$/.exec(given) ?? [];
  const date = days === undefined ? dateFrom(given) : new Date(now.getTime() + Number(days) * DAY_MS);
  if (date === undefined)
    throw new UsageError(`--expires takes a date such as 2028-06-30, or days such as 400d, not "${given}"`);
  if (date <= now) throw new UsageError(`--expires ${given} is over already`);
  return date;
}

function dateFrom(text: string): Date | undefined {
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : new Date(Number.NaN);
  return Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text) ? undefined : date;
}

import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  addOnlineKey,
  OfflineDesk,
  planRecover,
  recoverIndex,
  type RecoverWatch,
  type RecoveryFacts,
} from '@holdfast/index';
import { type ExportItem, type Holders, holdersNow, writeExport } from '@holdfast/operator';
import { parseRoot, parseTargets } from '@holdfast/tuf';
import { generateKey, readKeyFile } from '@holdfast/tuf/node';
import { integer, readArguments, text } from '../../arguments.ts';
import { type Command, UsageError } from '../../command.ts';
import { readPassphrase } from '../../passphrase.ts';
import { shellWord } from '../../shell-word.ts';
import { note } from '../../terminal.ts';
import { bulletinOf, orderFrom } from './order.ts';
import { RecoveryReport } from './recovery-report.ts';

const OPTIONS = {
  since: { type: 'string' },
  backup: { type: 'string' },
  keep: { type: 'string' },
  records: { type: 'string' },
  bulletin: { type: 'string' },
  export: { type: 'string' },
  report: { type: 'string' },
  json: { type: 'boolean' },
  'keep-tokens': { type: 'boolean' },
  apply: { type: 'boolean' },
  'passphrase-file': { type: 'string' },
} as const;

export const adminRecover: Command = {
  name: 'admin recover',
  usage: 'DIRECTORY --since N --backup FROM [OPTION]…',
  summary: 'after a theft of online keys: compare an index with its last good state, and go back to that',
  details: [
    'The index must not be served, on no machine. Nothing is changed without --apply.',
    '  --since N                the last publication that you believe: version of its timestamp',
    '  --backup FROM            a backup (holdfast backup) of that publication, or of an earlier one',
    '  --keep FILE              lines of SHA-256 and filename, as sha256sum prints them: files of unclaimed projects that came since,',
    '                           and that you checked; without it they are discarded',
    '  --records LOCATION       an empty database for the recovered records, where the index has them in PostgreSQL; PGPASSWORD opens both',
    '  --report FILE            every file that differs, as JSON; --json: as lines of JSON on standard output',
    '  --apply                  do it: new online keys, the records as the plan says, and what holders have to sign',
    '  --export FILE            where that goes: then "holdfast admin review FILE", "admin sign", "admin import"',
    '  --bulletin TEXT          what every user is shown once; needed with --apply',
    '  --keep-tokens            tokens for uploads stay good; without it all are revoked, since a thief of the machine saw them',
    '  --passphrase-file FILE   passphrase of the online keys; or HOLDFAST_PASSPHRASE, or it is asked for',
    'What offline keys and developers signed stays, however new it is. docs/guides/recovery.md leads through the first hour.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, OPTIONS, ['DIRECTORY']);
    const directory = resolve(positionals[0] ?? '');
    const [backup, keepFile] = [text(options, 'backup'), text(options, 'keep')];
    if (!options.has('since')) throw new UsageError('--since N is missing');
    if (backup === undefined) throw new UsageError('--backup FROM is missing');
    const since = integer(options, 'since', { least: 1, most: Number.MAX_SAFE_INTEGER, otherwise: 1 });
    const keep = keepFile === undefined ? new Map<string, string>() : await readKeepList(keepFile);
    const records = text(options, 'records');
    const asked = { directory, backup: resolve(backup), since, keep, ...(records !== undefined && { records }) };
    const report = { path: text(options, 'report'), json: options.get('json') === true };
    if (options.get('apply') !== true) {
      await reported(report, async (watch) => planRecover(asked, watch));
      note('Nothing was changed. With --apply it is done.');
      return 0;
    }
    const [bulletin, file] = [text(options, 'bulletin'), text(options, 'export')];
    if (bulletin === undefined) throw new UsageError('--bulletin TEXT is missing: what users are told');
    if (file === undefined) throw new UsageError('--export FILE is missing: what the holders sign');
    const now = new Date();
    const told = bulletinOf(bulletin, now, '--bulletin');
    const passphrase = await readPassphrase({
      file: text(options, 'passphrase-file'),
      variable: 'HOLDFAST_PASSPHRASE',
      prompt: 'Passphrase of the online keys',
    });
    await checkPassphrase(directory, passphrase);
    const keepTokens = options.get('keep-tokens') === true;
    await reported(report, async (watch) => recoverIndex({ ...asked, keepTokens, now }, watch));
    await exportRecovery(directory, file, { passphrase, bulletin: told, now });
    note(`${file} has what the holders of root and of targets sign now: holdfast admin review ${shellWord(file)}`);
    return 0;
  },
};

/** Tells what it does while it does it. */
async function reported(
  { path, json }: { readonly path: string | undefined; readonly json: boolean },
  work: (watch: RecoverWatch) => Promise<RecoveryFacts>,
): Promise<void> {
  const report = await RecoveryReport.begin(path, json);
  try {
    const told = { project: report.project.bind(report), object: report.object.bind(report) };
    await report.end(await work(told));
  } catch (error) {
    await report.abandon();
    throw error;
  }
}

/** One passphrase opens all online keys, also the new ones. @throws KeyFileError */
async function checkPassphrase(directory: string, passphrase: string): Promise<void> {
  const names = (await readdir(join(directory, 'keys'))).filter((name) => name.endsWith('.json'));
  for (const name of names) await readKeyFile(join(directory, 'keys', name), passphrase);
}

/** @throws UsageError */
async function readKeepList(file: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return new Map(
    lines.map((line, at) => {
      const [, sha256 = '', filename = ''] = /^([0-9a-f]{64})[ \t]+\*?(\S+)\s*$/.exec(line) ?? [];
      if (sha256 === '') throw new UsageError(`line ${at + 1} of ${file} is no SHA-256 with a filename`);
      return [filename.slice(filename.lastIndexOf('/') + 1), sha256];
    }),
  );
}

interface Wanted {
  readonly passphrase: string;
  readonly bulletin: { readonly id: string; readonly text: string };
  readonly now: Date;
}

/** Makes as many new online keys as there are, and asks for nothing else: claims and quiet projects wait for a signing in peace. */
async function exportRecovery(directory: string, file: string, { passphrase, bulletin, now }: Wanted): Promise<void> {
  const desk = await OfflineDesk.open(directory);
  try {
    const roots = await desk.roots();
    const roles: ExportItem[] = [];
    let targets: Uint8Array | undefined;
    for await (const { role, bytes } of desk.roles()) {
      roles.push({ kind: 'role', role, bytes });
      if (role === 'targets') targets = bytes;
    }
    const [root] = roots.slice(-1);
    if (!root || !targets) throw new UsageError('the index has published nothing yet');
    const present = { root: parseRoot(root), targets: parseTargets(targets) };
    const online = await newOnlineKeys(directory, passphrase, holdersNow(present.root, present.targets, 'online'));
    const order = await orderFrom(new Map(), { ...present, now, publication: await desk.publication() });
    const retired = await desk.retired();
    await writeExport(file, [
      { kind: 'order', order: { ...order, holders: new Map([['online', online]]), bulletin } },
      ...roots.map((bytes): ExportItem => ({ kind: 'root', bytes })),
      ...roles,
      ...retired.map(({ role, version }): ExportItem => ({ kind: 'retired', role, version })),
    ]);
  } finally {
    await desk.close();
  }
}

async function newOnlineKeys(directory: string, passphrase: string, before: Holders | undefined): Promise<Holders> {
  const { keys = [], threshold = 1 } = before ?? {};
  const made = await Promise.all(keys.map(() => generateKey('ed25519')));
  for (const key of made) await addOnlineKey(directory, key, passphrase);
  return { keys: made.map(({ key }) => key), threshold };
}

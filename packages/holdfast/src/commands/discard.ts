import { basename } from 'node:path';
import {
  describeTransaction,
  discardFiles,
  projectApi,
  type Removal,
  stagedNamed,
  type WaitingTransaction,
  withdrawChanges,
} from '@holdfast/developer';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { type Options, readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { note, printJson } from '../terminal.ts';
import { confirmed } from './key-secrets.ts';
import { type OpenBench, withBench } from './project-bench.ts';
import { day, size } from './project-output.ts';
import { showChanges } from './show-waiting.ts';

const OPTIONS = { index: { type: 'string' }, yes: { type: 'boolean' }, json: { type: 'boolean' } } as const;
const HELP = [
  '  --yes                    without being asked',
  '  --index NAME             the trusted index, when you trust more than one',
  '  --json                   what was done, for programs',
];

export const discard: Command = {
  name: 'discard',
  usage: 'PROJECT [FILE…] [--yes]',
  summary: 'throw files away that wait to be signed, such as what CI brought',
  details: [
    '  FILE…                    only these; without it, all that wait',
    ...HELP,
    'Members of the project discard any file, others those that they brought. What is published stays as it is.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, OPTIONS, ['PROJECT', '[FILE]…']);
    const [given = '', ...paths] = positionals;
    const project = normalizeName(given);
    return withBench(options, async (bench) => {
      const status = await projectApi(bench, project).status();
      const files = stagedNamed(
        status,
        paths.map((path) => basename(path)),
      );
      if (files.length === 0) return nothing(project, options, 'No file');
      note('These files wait, and would be thrown away:');
      for (const { filename, size: bytes, sha256, account, uploadTime } of files)
        note(
          `  ${filename}  ${size(bytes)}  sha256 ${sha256}  brought by ${account || 'somebody'} on ${day(uploadTime)}`,
        );
      if (!(await agreed('Throw them away?', options))) return 1;
      const removal = await discardFiles(bench, project, files);
      return tell(project, options, removal, ({ filename }) => filename, {
        done: 'Thrown away',
        free: 'These names can be uploaded again.',
      });
    });
  },
};

export const withdraw: Command = {
  name: 'withdraw',
  usage: 'PROJECT [--all] [--yes]',
  summary: 'take back your changes that wait for signatures of others',
  details: [
    '  --all                    also changes that others brought: for members of the project',
    ...HELP,
    'The files of a release that is taken back wait on: holdfast sign, or holdfast discard.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, { ...OPTIONS, all: { type: 'boolean' } }, ['PROJECT']);
    const project = normalizeName(positionals[0] ?? '');
    return withBench(options, async (bench) => {
      const { transactions } = await projectApi(bench, project).status();
      const meant = transactions.filter(({ account }) => options.get('all') === true || account === bench.account);
      if (meant.length === 0) return nothing(project, options, 'No change of yours');
      await show(bench, project, meant);
      if (!(await agreed('Take this back?', options))) return 1;
      const removal = await withdrawChanges(bench, project, meant);
      return tell(project, options, removal, named, { done: 'Taken back', free: 'Its files wait on.' });
    });
  },
};

async function show(bench: OpenBench, project: ProjectName, changes: readonly WaitingTransaction[]): Promise<void> {
  const signing = await bench.client.signing(project);
  for (const change of changes) {
    note(`${named(change)} waits for signatures${change.waitsUntil ? ` until ${day(change.waitsUntil)}` : ''}:`);
    showChanges(describeTransaction(signing, change.transaction));
  }
}

const named = ({ account, recordedAt }: WaitingTransaction): string =>
  `a change by ${account || 'somebody'} of ${recordedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

function nothing(project: ProjectName, options: Options, what: string): number {
  if (options.get('json') === true) printJson({ project, gone: [], kept: [] });
  note(`${what} of ${project} waits, as far as the index tells you.`);
  return 0;
}

async function agreed(question: string, options: Options): Promise<boolean> {
  if (options.get('yes') === true || (await confirmed(question, '--yes'))) return true;
  note('Nothing was changed.');
  return false;
}

/** @returns the exit code */
function tell<T>(
  project: ProjectName,
  options: Options,
  { gone, kept }: Removal<T>,
  name: (what: T) => string,
  { done, free }: { readonly done: string; readonly free: string },
): number {
  if (options.get('json') === true)
    printJson({ project, gone: gone.map(name), kept: kept.map(({ what, why }) => ({ what: name(what), why })) });
  if (gone.length > 0) note(`${done}: ${gone.map(name).join(', ')}. ${free}`);
  for (const { what, why } of kept) note(`${name(what)} is kept: ${why}`);
  return kept.length > 0 ? 1 : 0;
}

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OfflineDesk } from '@holdfast/index';
import { compareFiles, type FileDifference } from '@holdfast/operator';
import { readArguments } from '../../arguments.ts';
import type { Command } from '../../command.ts';
import { note, print } from '../../terminal.ts';

export const adminCompare: Command = {
  name: 'admin compare',
  usage: 'DIRECTORY BACKUP [--json]',
  summary: 'what became of each file since a backup that was good, after somebody broke into an index',
  details: [
    'Works while the index is served, and changes nothing. A line for each file that is not as it was; "!" before what a thief of the index',
    'could have done: files of claimed and rarely updated projects need the keys of others. Compare those with their developers.',
    '  --json                   a line of JSON for each',
    'Exit code 1 when a file has other bytes under its old name: no honest index does that.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, { json: { type: 'boolean' } }, ['DIRECTORY', 'BACKUP']);
    const [directory = '', backup = ''] = positionals;
    return withCopy(backup, async (before) => {
      const now = await OfflineDesk.open(directory);
      try {
        const counts = new Map<string, number>();
        for await (const each of compareFiles(before.files(), now.files())) {
          counts.set(each.fate, (counts.get(each.fate) ?? 0) + 1);
          print(options.get('json') === true ? JSON.stringify(each) : lineOf(each));
        }
        const told = Array.from(counts, ([fate, count]) => `${count} ${fate}`).join(', ');
        note(counts.size === 0 ? 'Every file is as it was.' : `Files that are not as they were: ${told}.`);
        return counts.has('changed') ? 1 : 0;
      } finally {
        await now.close();
      }
    });
  },
};

/** A backup stays as it is, also when it is older than this version. */
async function withCopy(backup: string, use: (before: OfflineDesk) => Promise<number>): Promise<number> {
  const copy = await mkdtemp(join(tmpdir(), 'holdfast-compare-'));
  try {
    for (const name of ['config.json', 'records.sqlite']) await cp(join(backup, name), join(copy, name));
    const before = await OfflineDesk.open(copy);
    try {
      return await use(before);
    } finally {
      await before.close();
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

function lineOf({ fate, before, now, forgeable }: FileDifference): string {
  const either = now ?? before;
  const facts = [];
  if (fate === 'changed') facts.push(`was ${before?.sha256}`, `is ${now?.sha256}`);
  if (fate === 'added') facts.push(`by ${now?.account}, ${now?.uploadTime.toISOString()}`, now?.sha256);
  if (fate === 'removed') facts.push(`was ${before?.sha256}`);
  if (fate === 'yanked' && now?.yanked !== undefined && now.yanked !== '') facts.push(now.yanked);
  if (before && now && before.standing !== now.standing) facts.push(`${before.standing}, now ${now.standing}`);
  return `${forgeable ? '!' : ' '} ${fate.padEnd(8)}  ${either?.filename}  ${facts.join('  ')}`.trimEnd();
}

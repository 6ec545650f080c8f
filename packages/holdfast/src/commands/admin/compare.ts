import { compareWithBackup, type FileComparison, type ProjectComparison } from '@holdfast/index';
import { readArguments } from '../../arguments.ts';
import type { Command } from '../../command.ts';
import { note, printAll } from '../../terminal.ts';

export const adminCompare: Command = {
  name: 'admin compare',
  usage: 'DIRECTORY BACKUP [--json]',
  summary: 'what became of each file since a backup that was good, after somebody broke into an index',
  details: [
    'Works while the index is served, and changes nothing. A line for each file that is not as it was; "!" before what a thief of the index',
    'could have done: files of claimed and rarely updated projects need the keys of others. Compare those with their developers.',
    'What a recovery would make of it is told by "holdfast admin recover", which also believes signatures more than records.',
    '  --json                   a line of JSON for each project',
    'Exit code 1 when a file has other bytes under its old name: no honest index does that.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, { json: { type: 'boolean' } }, ['DIRECTORY', 'BACKUP']);
    const [directory = '', backup = ''] = positionals;
    const counts = new Map<string, number>();
    for await (const each of compareWithBackup(directory, backup)) {
      const project = { ...each, files: each.files.filter(({ changed }) => changed !== 'unchanged') };
      for (const { changed } of project.files) counts.set(changed, (counts.get(changed) ?? 0) + 1);
      if (isMoved(project)) counts.set('moved', (counts.get('moved') ?? 0) + 1);
      await printAll(options.get('json') === true ? [JSON.stringify(project)] : linesOf(project));
    }
    const told = Array.from(counts, ([fate, count]) => `${count} ${fate}`).join(', ');
    note(counts.size === 0 ? 'Every file is as it was.' : `Not as they were: ${told}.`);
    return counts.has('changed') ? 1 : 0;
  },
};

/** Other keys answer for it than before. */
const isMoved = ({ before, now }: ProjectComparison): boolean => before !== 'none' && now !== 'none' && before !== now;

function linesOf(project: ProjectComparison): string[] {
  const { before, now } = project;
  const moved = isMoved(project) ? [`  ${'moved'.padEnd(9)}  ${project.project}  ${before}, now ${now}`] : [];
  return [...moved, ...project.files.map(lineOf)];
}

function lineOf({ filename, changed, before, now, account, uploadedAt, forgeable }: FileComparison): string {
  const facts: string[] = [];
  if (changed === 'changed') facts.push(`was ${before}`, `is ${now}`);
  if (changed === 'added')
    facts.push(`by ${account}${uploadedAt === undefined ? '' : `, ${new Date(uploadedAt).toISOString()}`}`, now ?? '');
  if (changed === 'deleted') facts.push(`was ${before}`);
  return `${forgeable ? '!' : ' '} ${changed.padEnd(9)}  ${filename}  ${facts.join('  ')}`.trimEnd();
}

import { revoke } from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { ask } from '../question.ts';
import { note, paintNote } from '../terminal.ts';
import { confirmed } from './key-secrets.ts';
import { BENCH_HELP, BENCH_OPTIONS, withBench } from './project-bench.ts';
import { report } from './project-output.ts';

export const revokeCommand: Command = {
  name: 'revoke',
  usage: 'PROJECT [--sure PROJECT]',
  summary: 'end what the keys of a project signed, at once and for good: for stolen keys',
  details: [
    '  --sure PROJECT           the name once more, instead of being asked twice',
    BENCH_HELP,
    'From then on nothing of the project can be installed until you claim it anew, with a new key. Where you still have a key that',
    'nobody else has, "holdfast rotate --remove" is better: it ends the stolen one alone.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, { ...BENCH_OPTIONS, sure: { type: 'string' } }, ['PROJECT']);
    const project = normalizeName(positionals[0] ?? '');
    note(
      `${paintNote('red', 'Revoking')} ${project} ends everything that its keys signed, for everybody who installs it:`,
    );
    note('  - nobody can install any of its files, old or new, and nothing is taken from elsewhere instead;');
    note('  - what is installed stays as it is;');
    note(
      '  - it cannot be taken back. You go on by claiming the project anew, with a new key, and uploading its files.',
    );
    if (!(await isSure(project, text(options, 'sure')))) {
      note('Nothing was signed.');
      return 1;
    }
    return withBench(options, async (bench) => {
      const outcome = await revoke(bench, project);
      const code = report(project, outcome, options.get('json') === true, `${project} is revoked.`);
      if (outcome.state === 'published') {
        note('What to do now:');
        note('  holdfast key create --phrase, holdfast account add-key   a new key, on a machine that you trust');
        note(`  holdfast claim ${project}, holdfast upload dist/*   a new claim, and the files that you have checked`);
      }
      return code;
    });
  },
};

async function isSure(project: string, given: string | undefined): Promise<boolean> {
  if (given !== undefined) {
    if (normalizeName(given) !== project) throw new UsageError(`--sure says ${given}, not ${project}`);
    return true;
  }
  if (!(await confirmed(`Are the keys of ${project} in the wrong hands?`, '--sure PROJECT'))) return false;
  return (await ask('Type the name of the project to revoke it: ')).trim() === project;
}

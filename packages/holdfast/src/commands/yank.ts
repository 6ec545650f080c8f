import { yankFiles } from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { BENCH_HELP, BENCH_OPTIONS, expiresFrom, withBench } from './project-bench.ts';
import { report } from './project-output.ts';

export const yank = command(true);
export const unyank = command(false);

function command(yanked: boolean): Command {
  return {
    name: yanked ? 'yank' : 'unyank',
    usage: `PROJECT VERSION|FILE…${yanked ? ' [--reason TEXT]' : ''}`,
    summary: yanked
      ? 'have installers pass a release over, unless it is asked for by its very version'
      : 'take a yank back',
    details: [...(yanked ? ['  --reason TEXT            what installers tell those who use it'] : []), BENCH_HELP].join(
      '\n',
    ),
    async run(args) {
      const declared = { ...BENCH_OPTIONS, ...(yanked && { reason: { type: 'string' as const } }) };
      const { options, positionals } = readArguments(args, declared, ['PROJECT', 'VERSION…']);
      const [given = '', ...subjects] = positionals;
      const project = normalizeName(given);
      const reason = text(options, 'reason');
      if (reason?.trim() === '') throw new UsageError('--reason is empty');
      const expires = expiresFrom(options);
      return withBench(options, async (bench) => {
        const { filenames, outcome } = await yankFiles(bench, project, { subjects, yanked, reason, expires });
        const sentence = `${yanked ? 'Yanked' : 'Not yanked any more'}: ${filenames.join(', ')}.`;
        return report(project, outcome, options.get('json') === true, sentence);
      });
    },
  };
}

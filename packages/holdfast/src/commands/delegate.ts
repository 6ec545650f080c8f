import { delegate, filesBelow, readGivenKey, roleNamed, undelegate } from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { integer, readArguments, text, texts } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note } from '../terminal.ts';
import { confirmed } from './key-secrets.ts';
import { BENCH_HELP, BENCH_OPTIONS, expiresFrom, withBench } from './project-bench.ts';
import { report, shortKey } from './project-output.ts';

const MAX_THRESHOLD = 32;

export const delegateCommand: Command = {
  name: 'delegate',
  usage: 'PROJECT --to CODE… --name NAME --paths PATTERN… [--threshold N]',
  summary: 'let a friend, or a build service, sign some of the files of your project',
  details: [
    '  --to CODE                whose key: the code, or a file with it, that "holdfast key code" printed there',
    '  --name NAME              what to call it, such as windows; windows.arm is inside of windows',
    "  --paths PATTERN          which filenames, such as '*-win_amd64.whl'; may be given more than once",
    '  --threshold N            how many of these keys have to sign (default 1)',
    BENCH_HELP,
    'It counts at once. The friend needs an account, a key that is registered, and "holdfast upload".',
  ].join('\n'),
  async run(args) {
    const declared = {
      ...BENCH_OPTIONS,
      to: { type: 'string', multiple: true },
      name: { type: 'string' },
      paths: { type: 'string', multiple: true },
      threshold: { type: 'string' },
    } as const;
    const { options, positionals } = readArguments(args, declared, ['PROJECT']);
    const project = normalizeName(positionals[0] ?? '');
    const [codes, patterns] = [texts(options, 'to'), texts(options, 'paths')];
    const name = text(options, 'name');
    if (name === undefined || codes.length === 0 || patterns.length === 0)
      throw new UsageError('--to, --name and --paths are needed');
    const threshold = integer(options, 'threshold', { least: 1, most: MAX_THRESHOLD, otherwise: 1 });
    const expires = expiresFrom(options);
    return withBench(options, async (bench) => {
      const given = await Promise.all(codes.map((code) => readGivenKey(code, bench.session.account)));
      const keys = [...new Map(given.map(({ key }) => [key.keyid, key])).values()];
      const outcome = await delegate(bench, project, { name, keys, threshold, patterns, expires });
      const who = given.map(({ key, account }) => `${account} (key ${shortKey(key.keyid)})`).join(', ');
      const sentence = `${who} may sign for ${patterns.join(', ')} of ${project}, under the name ${name}.`;
      return report(project, outcome, options.get('json') === true, sentence);
    });
  },
};

export const undelegateCommand: Command = {
  name: 'undelegate',
  usage: 'PROJECT NAME [--keep-files | --drop-files]',
  summary: 'take a delegation back, at once',
  details: [
    '  --keep-files             what it published stays, signed by you from now on',
    '  --drop-files             what it published goes: for a key in the wrong hands',
    BENCH_HELP,
  ].join('\n'),
  async run(args) {
    const declared = {
      ...BENCH_OPTIONS,
      'keep-files': { type: 'boolean' },
      'drop-files': { type: 'boolean' },
    } as const;
    const { options, positionals } = readArguments(args, declared, ['PROJECT', 'NAME']);
    const [given = '', name = ''] = positionals;
    const project = normalizeName(given);
    if (options.has('keep-files') && options.has('drop-files'))
      throw new UsageError('keep the files or drop them, not both');
    const expires = expiresFrom(options);
    return withBench(options, async (bench) => {
      const signing = await bench.client.signing(project);
      const role = roleNamed(signing, name);
      const files = role ? filesBelow(signing, role.role) : [];
      for (const { filename, sha256 } of files) note(`  ${filename}  sha256 ${sha256}`);
      const keepFiles =
        files.length === 0 ||
        options.has('keep-files') ||
        (!options.has('drop-files') &&
          (await confirmed('Keep these files, signed by you?', '--keep-files or --drop-files')));
      const outcome = await undelegate(bench, project, { name, keepFiles, expires });
      const what = files.length === 0 ? '' : keepFiles ? ' Its files are yours now.' : ' Its files are gone.';
      return report(
        project,
        outcome,
        options.get('json') === true,
        `${name} signs for nothing of ${project} any more.${what}`,
      );
    });
  },
};

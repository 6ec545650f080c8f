import { projectsOf, readGivenKey, rotate } from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { integer, readArguments, text, texts } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note } from '../terminal.ts';
import { BENCH_HELP, BENCH_OPTIONS, expiresFrom, type OpenBench, withBench } from './project-bench.ts';
import { report } from './project-output.ts';

const MAX_THRESHOLD = 32;

export const rotateCommand: Command = {
  name: 'rotate',
  usage: '(PROJECT… | --all) [--add CODE]… [--remove KEYID]… [--threshold N]',
  summary: 'change who signs for your projects: a new machine, a second maintainer, somebody who leaves',
  details: [
    '  --all                    every project of yours that the old keys sign for',
    '  --add CODE               a further key: the code, or a file with it, that "holdfast key code" printed there',
    '  --remove KEYID           a key that signs no more; its first letters are enough',
    '  --threshold N            how many keys have to sign each release',
    BENCH_HELP,
    'Signed by the present keys, it counts at once. Where operators signed for the project, old versions of other clients ask for',
    'the old keys until the next offline signing.',
  ].join('\n'),
  async run(args) {
    const declared = {
      ...BENCH_OPTIONS,
      all: { type: 'boolean' },
      add: { type: 'string', multiple: true },
      remove: { type: 'string', multiple: true },
      threshold: { type: 'string' },
    } as const;
    const { options, positionals } = readArguments(args, declared, ['[PROJECT]…']);
    const all = options.get('all') === true;
    if (all === positionals.length > 0) throw new UsageError('name the projects, or give --all');
    const threshold =
      text(options, 'threshold') === undefined
        ? undefined
        : integer(options, 'threshold', { least: 1, most: MAX_THRESHOLD, otherwise: 1 });
    const expires = expiresFrom(options);
    return withBench(options, async (bench) => {
      const given = await Promise.all(texts(options, 'add').map((code) => readGivenKey(code, bench.session.account)));
      const change = { add: given.map(({ key }) => key), remove: texts(options, 'remove'), threshold, expires };
      const projects = all ? await mine(bench, change.remove) : positionals.map(normalizeName);
      if (projects.length === 0) note('No project of yours is signed by such a key.');
      const codes: number[] = [];
      for (const project of projects) {
        const outcome = await rotate(bench, project, change);
        const own = outcome.state === 'published' ? outcome.signing.roles[0] : undefined;
        const keys = [...(own?.keys.keys() ?? [])].map((keyid) => keyid.slice(0, 12)).join(', ');
        codes.push(
          report(project, outcome, options.get('json') === true, `${own?.threshold} of ${keys} signs for ${project}.`),
        );
      }
      return Math.max(0, ...codes);
    });
  },
};

/** Projects that are signed by the key in use, or by one that is to go. */
async function mine(bench: OpenBench, remove: readonly string[]): Promise<Awaited<ReturnType<typeof projectsOf>>> {
  const { key } = await bench.signer();
  const projects = await projectsOf(bench);
  const signings = await Promise.all(projects.map((project) => bench.client.signing(project)));
  const isMeant = (keyid: string): boolean =>
    remove.length === 0 ? keyid === key.keyid : remove.some((start) => keyid.startsWith(start));
  return signings.flatMap(({ name, roles: [own] }) =>
    own && !own.revoked && [...own.keys.keys()].some(isMeant) ? [name] : [],
  );
}

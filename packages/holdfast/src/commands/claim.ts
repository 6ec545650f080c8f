import { claimProject, type ClaimView, readGivenKey } from '@holdfast/developer';
import { normalizeName } from '@holdfast/python-index';
import { integer, readArguments, texts } from '../arguments.ts';
import type { Command } from '../command.ts';
import { note, paintNote, printJson } from '../terminal.ts';
import { confirmed } from './key-secrets.ts';
import { BENCH_HELP, BENCH_OPTIONS, expiresFrom, withBench } from './project-bench.ts';
import { day, settledJson, shortKey, showPublished, showRecorded, showWaiting, size, WAITS } from './project-output.ts';

const MAX_THRESHOLD = 32;

export const claim: Command = {
  name: 'claim',
  usage: 'PROJECT [--threshold N] [--with CODE]… [--yes]',
  summary: 'make a project yours: from then on nobody publishes it without your key',
  details: [
    '  --threshold N            how many keys have to sign each release (default 1)',
    '  --with CODE              a further holder: the code, or a file with it, that "holdfast key code" printed there',
    '  --yes                    sign for the files that are published now without being asked',
    BENCH_HELP,
    'Where operators signed for a quiet project, the claim is recorded and counts from their next signing on: exit code 0.',
    'Exit code 3: other holders have to sign, too: holdfast sign PROJECT',
  ].join('\n'),
  async run(args) {
    const declared = {
      ...BENCH_OPTIONS,
      threshold: { type: 'string' },
      with: { type: 'string', multiple: true },
      yes: { type: 'boolean' },
    } as const;
    const { options, positionals } = readArguments(args, declared, ['PROJECT']);
    const project = normalizeName(positionals[0] ?? '');
    const threshold = integer(options, 'threshold', { least: 1, most: MAX_THRESHOLD, otherwise: 1 });
    const [expires, json] = [expiresFrom(options), options.get('json') === true];
    return withBench(options, async (bench) => {
      const given = await Promise.all(texts(options, 'with').map((code) => readGivenKey(code, bench.session.account)));
      const confirm = async (view: ClaimView): Promise<boolean> => {
        showClaim(view);
        return (
          options.get('yes') === true || confirmed('Are these your files, and yours alone to answer for?', '--yes')
        );
      };
      const others = given.map(({ key }) => key);
      const outcome = await claimProject(bench, project, { others, threshold, expires, confirm });
      if (outcome.state === 'declined') {
        if (json) printJson({ project, state: outcome.state });
        note('Nothing was signed.');
        return 1;
      }
      if (json) settledJson(project, outcome);
      else if (outcome.state === 'waiting') showWaiting(project, outcome);
      else if (outcome.state === 'recorded') showRecorded(project, outcome.nextSigning);
      else {
        showPublished(bench, outcome.signing.files);
        note(`${project} is yours. See it with: holdfast status ${project}`);
      }
      return outcome.state === 'waiting' ? WAITS : 0;
    });
  },
};

function showClaim({ project, role, files, keys, threshold, before, nextSigning }: ClaimView): void {
  if (before === 'revoked') note(`${project} was revoked. Its next name is ${role}; it begins without files.`);
  note(`${project} publishes ${files.length} ${files.length === 1 ? 'file' : 'files'}, as verified metadata says:`);
  for (const { filename, sha256, size: bytes, uploadTime } of files)
    note(`  ${filename}  ${size(bytes)}  since ${day(uploadTime)}  sha256 ${sha256}`);
  const names = keys.map(({ keyid }) => paintNote('bold', shortKey(keyid))).join(', ');
  note(`From now on ${threshold} of these keys ${threshold === 1 ? 'signs' : 'sign'} for it: ${names}.`);
  if (before === 'rarely-updated') {
    const when = nextSigning === undefined ? '' : `, by ${day(nextSigning)}`;
    note(`Operators signed for these files, so the claim counts from their next signing on${when}.`);
  }
}

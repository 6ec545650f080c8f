import { inspectFiles, projectOfFiles, type Release, type ReleaseProgress, release } from '@holdfast/developer';
import { type Options, readArguments } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note, paintNote } from '../terminal.ts';
import { BENCH_HELP, BENCH_OPTIONS, expiresFrom, type OpenBench, withBench } from './project-bench.ts';
import {
  filesJson,
  settledJson,
  showPublished,
  showRecorded,
  showWaiting,
  size,
  verifiedFiles,
  WAITS,
} from './project-output.ts';
import { Progress } from './upload-progress.ts';

export const upload: Command = {
  name: 'upload',
  usage: 'FILE… [--no-claim]',
  summary: 'sign and publish wheels and sdists: all of them at once, or none',
  details: [
    'A project that publishes nothing yet becomes yours on the way: from then on nobody publishes it without your key.',
    '  --no-claim               publish a new project as twine does: the index signs for it',
    BENCH_HELP,
    'Run again after a failure, it goes on where it was. Exit code 3: other holders have to sign, too.',
  ].join('\n'),
  async run(args) {
    const declared = { ...BENCH_OPTIONS, 'no-claim': { type: 'boolean' } } as const;
    const { options, positionals } = readArguments(args, declared, ['FILE…']);
    const expires = expiresFrom(options);
    // Looked into while the index is asked; what is wrong with a file is told even when the index cannot be reached.
    const inspected = inspectFiles(positionals);
    inspected.catch(() => {}); // told below
    return withBench(options, async (bench) => {
      // What opens a key takes time by design. Where nobody is asked for it, that goes on beside everything else.
      if (!process.stdin.isTTY) bench.signer().catch(() => {}); // told when it is needed
      const files = await inspected;
      const project = projectOfFiles(files);
      if (project === undefined) throw new UsageError('FILE is missing');
      const progress = new Progress(files);
      const claim = options.get('no-claim') !== true;
      try {
        const onProgress = (step: ReleaseProgress): void => progress.show(step);
        const released = await release(bench, project, files, { claim, expires, progress: onProgress });
        progress.end();
        return show(bench, released, options);
      } catch (error) {
        progress.end();
        throw error;
      }
    });
  },
};

function show(bench: OpenBench, { project, outcome, fresh, known, claimed }: Release, options: Options): number {
  const json = options.get('json') === true;
  const filenames = fresh.map(({ filename }) => filename);
  const names = { ...filesJson(outcome, filenames), known: known.map(({ filename }) => filename) };
  for (const { filename } of json ? [] : known) note(`${filename} is published already, with the same content.`);
  if (outcome.state === 'nothing' || outcome.state === 'unsigned') {
    if (json) settledJson(project, { state: outcome.state } as never, { ...names, claimed });
    else if (outcome.state === 'unsigned') showUnsigned(project, outcome.answers);
    else note('There was nothing to do.');
    return 0;
  }
  if (json) settledJson(project, outcome, { ...names, claimed });
  else if (outcome.state === 'waiting') showWaiting(project, outcome);
  else if (outcome.state === 'recorded') showRecorded(project, outcome.nextSigning);
  else {
    showPublished(bench, verifiedFiles(outcome.signing, filenames));
    const bytes = fresh.reduce((sum, file) => sum + file.size, 0);
    note(
      `Published ${fresh.length} ${fresh.length === 1 ? 'file' : 'files'} of ${paintNote('bold', project)}, ${size(bytes)}.`,
    );
    if (claimed) note(`${project} is yours now: nobody publishes it without your key.`);
  }
  return outcome.state === 'waiting' ? WAITS : 0;
}

function showUnsigned(project: string, answers: readonly string[]): void {
  // The index chooses the words.
  for (const answer of answers)
    note(
      answer
        .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
        .trim()
        .slice(0, 500),
    );
  note(
    `Your key has not signed for these files: the index answers for them. To change that: holdfast claim ${project}`,
  );
}

import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  directorySource,
  importFiles,
  type ImportProblem,
  type ImportSource,
  linesSource,
  type OpenIndex,
  openIndex,
  urlSource,
} from '@holdfast/index';
import { type Options, readArguments, text, texts } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { ImportReporter } from '../import-progress.ts';
import { readPassphrase } from '../passphrase.ts';
import { untilStopped } from '../signals.ts';
import { note, print } from '../terminal.ts';

const REPORT = 'holdfast-import-problems.jsonl';

export const importCommand: Command = {
  name: 'import',
  usage: 'DIRECTORY SOURCE --account NAME [OPTION]…',
  summary: 'bring an existing index in',
  details: [
    'SOURCE is a directory of wheels and sdists, the address of an index (https://HOST/simple/), or a file with a line of JSON',
    'for each file, - for standard input.',
    '  --account NAME            owns the projects that are new; it must exist',
    '  --project NAME            of an index: only this project; may be repeated',
    '  --files-at URL            with lines of JSON: where the files are that this index does not have; ends in a slash',
    `  --report FILE             what was not imported, and why, as lines of JSON (${REPORT})`,
    '  --json                    progress and result as lines of JSON on standard output',
    '  --passphrase-file FILE    passphrase of the online key; or HOLDFAST_PASSPHRASE, or it is asked for',
    'Nobody may serve the index meanwhile. Broken off, the same command goes on where it was.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(
      args,
      {
        account: { type: 'string' },
        project: { type: 'string', multiple: true },
        'files-at': { type: 'string' },
        report: { type: 'string' },
        json: { type: 'boolean' },
        'passphrase-file': { type: 'string' },
      },
      ['DIRECTORY', 'SOURCE'],
    );
    const account = text(options, 'account');
    if (account === undefined) throw new UsageError('--account NAME is missing');
    const source = await sourceOf(positionals[1] ?? '', options);
    const passphrase = await readPassphrase({
      file: text(options, 'passphrase-file'),
      variable: 'HOLDFAST_PASSPHRASE',
      prompt: 'Passphrase of the online key',
    });
    return await runImport({
      directory: positionals[0] ?? '',
      source,
      account,
      passphrase,
      json: options.get('json') === true,
      report: text(options, 'report') ?? REPORT,
    });
  },
};

/** What reads the source, once there is an index to read it into. */
type OpenSource = (index: OpenIndex) => ImportSource;

async function sourceOf(name: string, options: Options): Promise<OpenSource> {
  const filesAt = text(options, 'files-at');
  if (filesAt !== undefined && !/^https?:\/\/[^?#]+\/$/.test(filesAt))
    throw new UsageError('--files-at takes an address that ends in a slash, such as https://files.example.org/all/');
  const projects = texts(options, 'project');
  const now = new Date();
  if (/^https?:\/\//.test(name)) return fromIndex(name, projects, now);
  if (projects.length > 0) throw new UsageError('--project is for importing from the address of an index');
  if (name === '-') return () => linesSource({ name: '-', input: process.stdin, filesAt, now });
  const found = await stat(name);
  if (found.isDirectory()) return (index) => directorySource(name, target(index));
  return () => linesSource({ name: resolve(name), input: createReadStream(name), size: found.size, filesAt, now });
}

function fromIndex(url: string, projects: readonly string[], now: Date): OpenSource {
  const parsed = URL.parse(url);
  if (!parsed || parsed.username !== '' || parsed.password !== '')
    throw new UsageError('the address of an index has no user name or password in it');
  return (index) => urlSource({ url, now, ...(projects.length > 0 && { projects }), ...target(index) });
}

function target({ objects, catalog }: OpenIndex) {
  return { objects, sha256Of: (filename: string) => catalog.sha256Of(filename) };
}

interface Run {
  readonly directory: string;
  readonly source: OpenSource;
  readonly account: string;
  readonly passphrase: string;
  readonly json: boolean;
  readonly report: string;
}

async function runImport({ directory, source: openSource, account, passphrase, json, report }: Run): Promise<number> {
  const reporter = new ImportReporter(json);
  const problems = new ProblemFile(report);
  const stop = new AbortController();
  const began = performance.now();
  const index = await openIndex(directory, {
    passphrase,
    onMass: ({ roles, share }) => reporter.step({ phase: 'sign', done: roles, share }),
  });
  void untilStopped().then(() => stop.abort(new StoppedError()));
  try {
    const source = openSource(index);
    const summary = await importFiles(index, {
      source,
      account,
      stop: stop.signal,
      onProblem: (problem) => problems.add(problem),
      onLoaded: ({ added, known }) => reporter.step({ phase: 'load', done: added + known, share: source.share() }),
    });
    reporter.end();
    const seconds = (performance.now() - began) / 1000;
    if (json) print(JSON.stringify({ phase: 'done', ...summary, seconds: Math.round(seconds) }));
    else for (const line of sentences(summary, seconds, report)) print(line);
    return 0;
  } catch (error) {
    reporter.end();
    if (!(error instanceof StoppedError)) throw error;
    note('Stopped. The same command goes on where it was.');
    return 1;
  } finally {
    await problems.close();
    await index.close();
  }
}

class StoppedError extends Error {}

function sentences(
  { added, known, refused, withoutBytes, timestampVersion }: Awaited<ReturnType<typeof importFiles>>,
  seconds: number,
  report: string,
): string[] {
  return [
    `${added} files are new, and in signed metadata: timestamp version ${timestampVersion}. It took ${Math.round(seconds)} s.`,
    ...(known > 0 ? [`${known} were there already.`] : []),
    ...(refused > 0 ? [`${refused} were not imported. Which, and why: ${report}`] : []),
    ...(withoutBytes > 0
      ? [`Of ${withoutBytes} this index does not know where they are: nobody can install them until they are uploaded.`]
      : []),
  ];
}

/** Made when there is something to say. */
class ProblemFile {
  readonly #path: string;
  #stream: WriteStream | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  add({ item, reason }: ImportProblem): void {
    this.#stream ??= createWriteStream(this.#path, { flags: 'a' });
    this.#stream.write(`${JSON.stringify({ item, reason })}\n`);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => (this.#stream ? this.#stream.end(resolve) : resolve()));
  }
}

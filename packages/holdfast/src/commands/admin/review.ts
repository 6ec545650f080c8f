import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ProjectName, normalizeName } from '@holdfast/python-index';
import {
  ExportRefusedError,
  loadExport,
  type LoadedExport,
  planSigning,
  review,
  type Review,
  reviewText,
  rootFingerprint,
  writeDecided,
} from '@holdfast/operator';
import { integer, type Options, readArguments, text, texts } from '../../arguments.ts';
import { type Command, UsageError } from '../../command.ts';
import { shellWord } from '../../shell-word.ts';
import { note, print, printJson } from '../../terminal.ts';

/** How a holder says which index is meant. */
export const ROOT_OPTIONS = { root: { type: 'string' }, fingerprint: { type: 'string' } } as const;
export const ROOT_HELP =
  '  --root FILE, --fingerprint HEX   the first root, or its fingerprint, from your folder or your paper: refuse any other index';

export const adminReview: Command = {
  name: 'admin review',
  usage: 'FILE [OPTION]…',
  summary: 'what an offline signing would change, in words; needs no network',
  details: [
    ROOT_HELP,
    '  --recent-days N          a claim younger than that is told as such (7)',
    '  --diff                   also the hash of every file of projects that become rarely updated',
    '  --json                   for programs',
    'What the holders decide goes into a new file, which all of them sign:',
    '  --decide NEWFILE         write it, with what these two say',
    '  --exclude PROJECT        nothing changes for this project now; may be given more than once',
    '  --accept PROJECT         it gets its new keys though nobody vouches for them: you asked its developers, by telephone say',
  ].join('\n'),
  async run(args) {
    const own = {
      ...ROOT_OPTIONS,
      'recent-days': { type: 'string' },
      diff: { type: 'boolean' },
      json: { type: 'boolean' },
      decide: { type: 'string' },
      exclude: { type: 'string', multiple: true },
      accept: { type: 'string', multiple: true },
    } as const;
    const { options, positionals } = readArguments(args, own, ['FILE']);
    const recentDays = integer(options, 'recent-days', { least: 0, most: 10_000, otherwise: 7 });
    const file = await decided(positionals[0] ?? '', options);
    const loaded = await loadChecked(file, options);
    const facts = review(loaded, await planSigning(loaded), { recentDays });
    if (options.get('json') === true) printJson(jsonOf(facts));
    else print(reviewText(facts, { diff: options.get('diff') === true }).trimEnd());
    if (options.has('decide'))
      note(
        `What you decided is in ${file}. All holders sign that file: holdfast admin sign ${shellWord(file)} --key …`,
      );
    return 0;
  },
};

/** The file to look at: the new one, where there are decisions. @throws UsageError */
async function decided(file: string, options: Options): Promise<string> {
  const to = text(options, 'decide');
  const names = (option: string): Set<ProjectName> => new Set(texts(options, option).map(normalizeName));
  const [exclude, accept] = [names('exclude'), names('accept')];
  if (to === undefined) {
    if (exclude.size + accept.size > 0) throw new UsageError('--exclude and --accept belong to --decide NEWFILE');
    return file;
  }
  const both = [...exclude].find((name) => accept.has(name));
  if (both !== undefined) throw new UsageError(`${both} cannot be excluded and accepted`);
  if (resolve(to) === resolve(file)) throw new UsageError('--decide takes a new file: others may be signing this one');
  const loaded = await loadExport(file);
  assertThere(loaded, [...exclude, ...accept]);
  // What was decided in this file before stands, unless it is decided otherwise now.
  for (const name of loaded.exclude) if (!accept.has(name)) exclude.add(name);
  for (const name of loaded.accept) if (!exclude.has(name)) accept.add(name);
  await writeDecided(file, to, { exclude, accept });
  return to;
}

/** A name that was mistyped would let the project through that somebody meant to stop. @throws UsageError */
function assertThere({ claims, rotated, quiet, leaving }: LoadedExport, names: readonly ProjectName[]): void {
  const there = new Set<ProjectName>(leaving.keys());
  for (const { claim } of claims) there.add(claim.project);
  for (const { project } of [...rotated, ...quiet]) there.add(project);
  const missing = names.find((name) => !there.has(name));
  if (missing !== undefined) throw new UsageError(`nothing is to change for ${missing}: look how it is spelled`);
}

/** Reads an export of the index that the options name. @throws OfflineFileError, ExportRefusedError */
export async function loadChecked(file: string, options: Options): Promise<LoadedExport> {
  const loaded = await loadExport(file);
  const root = text(options, 'root');
  const fingerprint = root === undefined ? typedFingerprint(options) : rootFingerprint(await readFile(root));
  if (fingerprint !== undefined && fingerprint !== loaded.present.fingerprint)
    throw new ExportRefusedError('it is of another index: its first root is not yours');
  return loaded;
}

/** As on paper, in groups of four, or in one piece. @throws UsageError when it was not typed to its end */
function typedFingerprint(options: Options): string | undefined {
  const hex = text(options, 'fingerprint')?.replaceAll(/\s/g, '').toLowerCase();
  if (hex !== undefined && !/^[0-9a-f]{64}$/.test(hex))
    throw new UsageError(`--fingerprint takes 64 hex digits, and these are ${hex.length} characters`);
  return hex;
}

function jsonOf(facts: Review): object {
  return { ...facts, bulletin: facts.bulletin };
}

import { readFile, stat } from 'node:fs/promises';
import { OfflineDesk, type QuietPolicy } from '@holdfast/index';
import { normalizeName } from '@holdfast/python-index';
import { type ExportItem, type SigningOrder, writeExport } from '@holdfast/operator';
import { parseRoot, parseTargets } from '@holdfast/tuf';
import { integer, type Options, readArguments, text } from '../../arguments.ts';
import { type Command, UsageError } from '../../command.ts';
import { shellWord } from '../../shell-word.ts';
import { note, print } from '../../terminal.ts';
import { ORDER_HELP, ORDER_OPTIONS, orderFrom } from './order.ts';

const DAY_MS = 86_400_000;
const QUIET_OPTIONS = {
  'quiet-days': { type: 'string' },
  'quiet-files': { type: 'string' },
  'quiet-list': { type: 'string' },
  'no-quiet': { type: 'boolean' },
  'list-staged': { type: 'boolean' },
} as const;

export const adminExport: Command = {
  name: 'admin export',
  usage: 'DIRECTORY FILE [OPTION]…',
  summary: 'write everything that the holders of the offline keys have to sign into one file',
  details: [
    'Works while the index is served, and changes nothing. Which projects become rarely updated:',
    '  --quiet-days N           those whose newest file is older than that (180)',
    '  --quiet-files N          and that have at least so many files (1)',
    '  --quiet-list FILE        and that are in this list, one name a line',
    '  --no-quiet               none',
    '  --list-staged            new files of rarely updated projects are listed; without it, such projects are rarely updated no more',
    ORDER_HELP,
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, { ...QUIET_OPTIONS, ...ORDER_OPTIONS }, ['DIRECTORY', 'FILE']);
    const [directory = '', file = ''] = positionals;
    const now = new Date();
    const policy = await quietPolicy(options, now);
    const desk = await OfflineDesk.open(directory);
    try {
      const order = await orderOf(desk, options, now);
      const joined = new Set<string>();
      const source = { desk, order, policy, joined, listStaged: options.get('list-staged') === true };
      const isReplaced = await exists(file);
      const id = await writeExport(file, itemsOf(source));
      if (isReplaced) note(`${file} was there and is replaced: what holders signed of it does not fit any more.`);
      note(`${file} has what is to be signed. Every holder sees it with: holdfast admin review ${shellWord(file)}`);
      if (order.model === 'maximum') tellLeftOut(policy, joined);
      print(id);
      return 0;
    } finally {
      await desk.close();
    }
  },
};

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

async function quietPolicy(options: Options, now: Date): Promise<QuietPolicy | undefined> {
  if (options.get('no-quiet') === true) return undefined;
  const days = integer(options, 'quiet-days', { least: 0, most: 10_000, otherwise: 180 });
  const leastFiles = integer(options, 'quiet-files', { least: 1, most: 1_000_000, otherwise: 1 });
  const list = text(options, 'quiet-list');
  const names =
    list === undefined
      ? undefined
      : (await readFile(list, 'utf8')).split(/\s+/).flatMap((name) => (name === '' ? [] : [normalizeName(name)]));
  return { before: new Date(now.getTime() - days * DAY_MS), leastFiles, ...(names && { only: new Set(names) }) };
}

/** Whoever made the list expects to find all of it in the export. */
function tellLeftOut(policy: QuietPolicy | undefined, joined: ReadonlySet<string>): void {
  const names = [...(policy?.only ?? [])].filter((name) => !joined.has(name));
  if (names.length === 0) return;
  const more = names.length > MOST_NAMED ? ', …' : '';
  note(
    `${names.length} of the list ${names.length === 1 ? 'does' : 'do'} not become rarely updated: ${names.slice(0, MOST_NAMED).join(', ')}${more}. They have newer files than --quiet-days says or fewer than --quiet-files, are claimed or rarely updated already, or are not here.`,
  );
}

const MOST_NAMED = 20;

async function* noted(quiet: AsyncIterable<QuietProject>, names: Set<string>): AsyncGenerator<QuietProject> {
  for await (const each of quiet) {
    names.add(each.project);
    yield each;
  }
}

type QuietProject = ReturnType<OfflineDesk['quiet']> extends AsyncIterable<infer T> ? T : never;

async function orderOf(desk: OfflineDesk, options: Options, now: Date): Promise<SigningOrder> {
  const root = (await desk.roots()).at(-1);
  let targets: Uint8Array | undefined;
  for await (const { role, bytes } of desk.roles()) if (role === 'targets') targets = bytes;
  if (!root || !targets) throw new UsageError('the index has published nothing yet');
  const present = { root: parseRoot(root), targets: parseTargets(targets) };
  return orderFrom(options, { ...present, now, publication: await desk.publication() });
}

interface Source {
  readonly desk: OfflineDesk;
  readonly order: SigningOrder;
  readonly policy: QuietPolicy | undefined;
  /** Filled with the quiet projects that are exported. */
  readonly joined: Set<string>;
  readonly listStaged: boolean;
}

/** In the order in which the file has them. */
async function* itemsOf({ desk, order, policy, joined, listStaged }: Source): AsyncGenerator<ExportItem> {
  yield { kind: 'order', order };
  for (const bytes of await desk.roots()) yield { kind: 'root', bytes };
  for await (const { role, bytes } of desk.roles()) yield { kind: 'role', role, bytes };
  for (const { role, version } of await desk.retired()) yield { kind: 'retired', role, version };
  if (order.model !== 'minimum') {
    for await (const claim of desk.claims()) yield { kind: 'claim', claim };
    for await (const rotated of desk.rotated()) yield { kind: 'rotated', rotated };
  }
  if (order.model !== 'maximum') return;
  const joining = policy ? noted(desk.quiet(policy), joined) : none();
  for await (const quiet of merged(joining, listStaged ? desk.updated() : none())) yield { kind: 'quiet', quiet };
  if (listStaged) return;
  for await (const { project, reason } of desk.leaving()) yield { kind: 'leave', project, reason };
}

async function* none(): AsyncGenerator<never> {}

/** Two lists in the order of their projects, as one. */
async function* merged<T extends { readonly project: string }>(
  a: AsyncIterator<T>,
  b: AsyncIterator<T>,
): AsyncGenerator<T> {
  let [one, other] = [await a.next(), await b.next()];
  for (;;) {
    if (one.done === true && other.done === true) return;
    if (other.done === true || (one.done !== true && one.value.project < other.value.project)) {
      yield one.value as T;
      one = await a.next();
    } else {
      yield other.value;
      other = await b.next();
    }
  }
}

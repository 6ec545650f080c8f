import { readdir } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import {
  assertLocations,
  assertNewStores,
  initIndex,
  isRequested,
  RequestedIndexError,
  requestIndex,
} from '@holdfast/index';
import { holdCeremony, OfflineDirectoryError, readFirst, rootFingerprint, writeRequest } from '@holdfast/operator';
import { generateKey } from '@holdfast/tuf/node';
import { duration, type Options, readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { readPassphrase } from '../passphrase.ts';
import { shellWord } from '../shell-word.ts';
import { note, paint, print } from '../terminal.ts';
import { CEREMONY_HELP, CEREMONY_OPTIONS, ceremonyChoice } from './admin/ceremony.ts';

const DAY_SECONDS = 86_400;

const OPTIONS = {
  ...CEREMONY_OPTIONS,
  'offline-keys': { type: 'string' },
  request: { type: 'string' },
  ceremony: { type: 'string' },
  'timestamp-lifetime': { type: 'string' },
  records: { type: 'string' },
  objects: { type: 'string' },
  'passphrase-file': { type: 'string' },
} as const;

export const init: Command = {
  name: 'init',
  usage: 'DIRECTORY (--request FILE | --ceremony FILE | --offline-keys DIRECTORY) [OPTION]…',
  summary: 'make an index and its keys',
  details: [
    'Offline keys that the machine of the index never meets, in three steps:',
    '  --request FILE                   here: make the online key, and write what "holdfast admin ceremony FILE …" needs, elsewhere',
    '  --ceremony FILE                  here again: complete the index with what the ceremony signed',
    'All on one machine, to try it out or for a team of one:',
    '  --offline-keys DIRECTORY         hold the ceremony, too; its keys go there: a memory stick, not the index',
    CEREMONY_HELP,
    'Of the index, with --ceremony or --offline-keys:',
    '  --timestamp-lifetime TIME        how long the newest state counts as new, such as 12h (1d)',
    '  --records postgres://USER@HOST/DATABASE    an empty database instead of a file in DIRECTORY; password in PGPASSWORD',
    "  --objects s3://BUCKET?endpoint=URL         an empty bucket instead of files in DIRECTORY; credentials as AWS's tools have them",
    '  --passphrase-file FILE           passphrase of the online key; or HOLDFAST_PASSPHRASE, or it is asked for',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, OPTIONS, ['DIRECTORY']);
    const given = ['offline-keys', 'request', 'ceremony'].filter((name) => options.has(name));
    if (given.length === 0) throw new UsageError('--offline-keys DIRECTORY is missing, or --request FILE');
    if (given.length > 1) throw new UsageError(`give one of --${given.join(' and --')}`);
    const [name = ''] = positionals;
    const target = { name, directory: resolve(name), options };
    if (given[0] === 'request') return request(target);
    return given[0] === 'ceremony' ? complete(target) : onOneMachine(target);
  },
};

interface Target {
  /** As it was typed. */
  readonly name: string;
  readonly directory: string;
  readonly options: Options;
}

async function request({ name, directory, options }: Target): Promise<number> {
  const file = text(options, 'request') ?? '';
  await mustBeNew(directory);
  const online = await requestIndex(directory, await onlinePassphrase(options, true));
  await writeRequest(file, online);
  note(
    `${name} has its online key ${online.keyid.slice(0, 16)}. Carry ${file} to a machine without a network, and there:`,
  );
  note(`  holdfast admin ceremony ${shellWord(file)} /media/ceremony`);
  note(`Then complete the index here: holdfast init ${shellWord(name)} --ceremony first.bundle`);
  return 0;
}

async function complete({ name, directory, options }: Target): Promise<number> {
  const first = await readFirst(text(options, 'ceremony') ?? '');
  const chosen = await choicesOfIndex(options);
  const passphrase = await onlinePassphrase(options, false);
  await initIndex({ directory, ...first, passphrase, ...chosen });
  print(`Root fingerprint: ${rootFingerprint(first.root)}`);
  print(
    `Compare it with the transcript of the ceremony. The index is in ${directory}. Start it with: holdfast serve ${shellWord(name)}`,
  );
  return 0;
}

async function onOneMachine({ name, directory, options }: Target): Promise<number> {
  const offlineDirectory = resolve(text(options, 'offline-keys') ?? '');
  if (`${offlineDirectory}${sep}`.startsWith(`${directory}${sep}`)) {
    throw new OfflineDirectoryError(offlineDirectory, 'lies inside the index');
  }
  await mustBeNew(directory);
  const choice = await ceremonyChoice(options);
  const chosen = await choicesOfIndex(options);
  const passphrase = await onlinePassphrase(options, true);
  const online = await generateKey('ed25519');
  const ceremony = await holdCeremony({ ...choice, offlineDirectory, online: online.key, now: new Date() });
  const { root, targets, roles } = ceremony;
  await initIndex({ directory, root, targets, roles, onlineKey: online, passphrase, ...chosen });
  print(ceremony.transcript);
  print(`The index is in ${directory}. Start it with: holdfast serve ${shellWord(name)}`);
  print(
    paint(
      'bold',
      `Now take ${offlineDirectory} away from this machine: a folder for each holder, on memory sticks of their own.`,
    ),
  );
  print('Give your users root.json from there, or its fingerprint, by a way that this index cannot change.');
  return 0;
}

async function choicesOfIndex(
  options: Options,
): Promise<Pick<Parameters<typeof initIndex>[0], 'lifetimes' | 'stores'>> {
  const timestamp = duration(options, 'timestamp-lifetime', DAY_SECONDS);
  if (timestamp < 5 || timestamp > 400 * DAY_SECONDS) {
    throw new UsageError('--timestamp-lifetime takes a time from 5s to 400d');
  }
  const stores = { records: text(options, 'records'), objects: text(options, 'objects') };
  assertLocations(stores);
  await assertNewStores(stores);
  return { lifetimes: { timestamp }, stores };
}

function onlinePassphrase(options: Options, isNew: boolean): Promise<string> {
  return readPassphrase({
    file: text(options, 'passphrase-file'),
    variable: 'HOLDFAST_PASSPHRASE',
    prompt: 'Passphrase of the online key',
    confirm: isNew,
  });
}

/** Before any key is made: nothing may be there that init would mix with. */
async function mustBeNew(directory: string): Promise<void> {
  try {
    if (await isRequested(directory)) throw new RequestedIndexError(directory);
    if ((await readdir(directory)).length > 0) throw new UsageError(`${directory} is not empty`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
}

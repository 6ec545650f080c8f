import { readdir } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { assertLocations, assertNewStores, initIndex } from '@holdfast/index';
import { holdCeremony, OfflineDirectoryError } from '@holdfast/operator';
import { generateKey } from '@holdfast/tuf/node';
import { duration, integer, readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { readPassphrase } from '../passphrase.ts';
import { paint, print } from '../terminal.ts';

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 365 * DAY_SECONDS;

export const init: Command = {
  name: 'init',
  usage: 'DIRECTORY --offline-keys DIRECTORY [OPTION]…',
  summary: 'make an index and its keys',
  details: [
    '  --offline-keys DIRECTORY         where the root and targets keys go: a memory stick, not the index',
    '  --root-keys N --root-threshold N           holders of root keys, and how many must sign (3, 2)',
    '  --targets-keys N --targets-threshold N     the same for targets (2, 2)',
    '  --timestamp-lifetime TIME        how long the newest state counts as new, such as 12h (1d)',
    '  --records postgres://USER@HOST/DATABASE    an empty database instead of a file in DIRECTORY; password in PGPASSWORD',
    "  --objects s3://BUCKET?endpoint=URL         an empty bucket instead of files in DIRECTORY; credentials as AWS's tools have them",
    '  --passphrase-file FILE           passphrase of the online key; or HOLDFAST_PASSPHRASE, or it is asked for',
    '  --offline-passphrase-file FILE   one passphrase for all offline keys; or HOLDFAST_OFFLINE_PASSPHRASE, or each is asked for',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(
      args,
      {
        'offline-keys': { type: 'string' },
        'root-keys': { type: 'string' },
        'root-threshold': { type: 'string' },
        'targets-keys': { type: 'string' },
        'targets-threshold': { type: 'string' },
        'timestamp-lifetime': { type: 'string' },
        records: { type: 'string' },
        objects: { type: 'string' },
        'passphrase-file': { type: 'string' },
        'offline-passphrase-file': { type: 'string' },
      },
      ['DIRECTORY'],
    );
    const directory = resolve(positionals[0] ?? '');
    const offlineDirectory = resolve(text(options, 'offline-keys') ?? missing('--offline-keys DIRECTORY'));
    if (`${offlineDirectory}${sep}`.startsWith(`${directory}${sep}`)) {
      throw new OfflineDirectoryError(offlineDirectory, 'lies inside the index');
    }
    await mustBeNew(directory);
    const count = (name: string, otherwise: number): number =>
      integer(options, name, { least: 1, most: 30, otherwise });
    const root = { holders: count('root-keys', 3), threshold: count('root-threshold', 2) };
    const targets = { holders: count('targets-keys', 2), threshold: count('targets-threshold', 2) };
    if (root.threshold > root.holders || targets.threshold > targets.holders) {
      throw new UsageError('a threshold cannot be larger than the number of its holders');
    }
    const timestampLifetime = duration(options, 'timestamp-lifetime', DAY_SECONDS);
    if (timestampLifetime < 5 || timestampLifetime > 400 * DAY_SECONDS) {
      throw new UsageError('--timestamp-lifetime takes a time from 5s to 400d');
    }
    const stores = { records: text(options, 'records'), objects: text(options, 'objects') };
    assertLocations(stores);
    await assertNewStores(stores);
    const passphrase = await readPassphrase({
      file: text(options, 'passphrase-file'),
      variable: 'HOLDFAST_PASSPHRASE',
      prompt: 'Passphrase of the online key',
      confirm: true,
    });
    const online = await generateKey('ed25519');
    const ceremony = await holdCeremony({
      offlineDirectory,
      online: online.key,
      root,
      targets,
      lifetime: YEAR_SECONDS,
      now: new Date(),
      passphraseFor: (holder) =>
        readPassphrase({
          file: text(options, 'offline-passphrase-file'),
          variable: 'HOLDFAST_OFFLINE_PASSPHRASE',
          prompt: `Passphrase of ${holder}`,
          confirm: true,
        }),
    });
    await initIndex({
      directory,
      root: ceremony.root,
      targets: ceremony.targets,
      onlineKey: online,
      passphrase,
      lifetimes: { timestamp: timestampLifetime },
      stores,
    });
    print(ceremony.transcript);
    print(`The index is in ${directory}. Start it with: holdfast serve ${positionals[0]}`);
    print(
      paint(
        'bold',
        `Now take ${offlineDirectory} away from this machine: a folder for each holder, on memory sticks of their own.`,
      ),
    );
    print('Give your users root.json from there, or its fingerprint, by a way that this index cannot change.');
    return 0;
  },
};

function missing(what: string): never {
  throw new UsageError(`${what} is missing`);
}

/** Before any key is made: nothing may be there that init would mix with. */
async function mustBeNew(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length > 0) throw new UsageError(`${directory} is not empty`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
}

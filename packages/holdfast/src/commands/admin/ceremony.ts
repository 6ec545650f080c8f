import { join, resolve } from 'node:path';
import { holdCeremony, readRequest, writeFirst } from '@holdfast/operator';
import { duration, integer, type Options, readArguments, text, texts } from '../../arguments.ts';
import { type Command, UsageError } from '../../command.ts';
import { shellWord } from '../../shell-word.ts';
import { paint, print } from '../../terminal.ts';
import { KEY_HELP, openHolderKeys } from './holder-keys.ts';
import { newPassphrases } from './new-passphrase.ts';

const YEAR_SECONDS = 365 * 86_400;

/** Options of every ceremony, with what the help says about them. */
export const CEREMONY_OPTIONS = {
  model: { type: 'string', default: 'maximum' },
  'root-keys': { type: 'string' },
  'root-threshold': { type: 'string' },
  'root-key': { type: 'string', multiple: true },
  'targets-keys': { type: 'string' },
  'targets-threshold': { type: 'string' },
  'targets-key': { type: 'string', multiple: true },
  lifetime: { type: 'string' },
  'offline-passphrase-file': { type: 'string' },
} as const;
export const CEREMONY_HELP = [
  '  --model MODEL                    maximum; legacy: without rarely-updated; minimum: nobody can claim a project',
  '  --root-keys N --root-threshold N           holders of root keys, and how many must sign (3, 2)',
  '  --targets-keys N --targets-threshold N     the same for targets, claimed and rarely-updated, with a key for each (2, 2)',
  '  --root-key KEY, --targets-key KEY          a key that one of these holders has already; may be given more than once',
  '  --lifetime TIME                  how long what is signed now is good (365d); what is below targets 180d at most',
  '  --offline-passphrase-file FILE   one passphrase for all offline keys; or HOLDFAST_OFFLINE_PASSPHRASE, or each is asked for',
  KEY_HELP,
].join('\n');

export type CeremonyChoice = Omit<Parameters<typeof holdCeremony>[0], 'online' | 'now' | 'offlineDirectory'>;

/** What the options say of the keys to make. @throws UsageError */
export async function ceremonyChoice(options: Options): Promise<CeremonyChoice> {
  const model = text(options, 'model');
  if (model !== 'minimum' && model !== 'legacy' && model !== 'maximum')
    throw new UsageError(`--model takes minimum, legacy or maximum, not "${model}"`);
  const count = (name: string, otherwise: number): number => integer(options, name, { least: 1, most: 30, otherwise });
  const [rootOwn, targetsOwn] = [texts(options, 'root-key'), texts(options, 'targets-key')];
  const root = { holders: count('root-keys', Math.max(3, rootOwn.length)), threshold: count('root-threshold', 2) };
  const targets = {
    holders: count('targets-keys', Math.max(2, targetsOwn.length)),
    threshold: count('targets-threshold', 2),
  };
  if (root.threshold > root.holders || targets.threshold > targets.holders) {
    throw new UsageError('a threshold cannot be larger than the number of its holders');
  }
  const lifetime = duration(options, 'lifetime', YEAR_SECONDS);
  const passphrase = newPassphrases(options);
  return {
    model,
    root: { ...root, own: await openHolderKeys(rootOwn, options) },
    targets: { ...targets, own: await openHolderKeys(targetsOwn, options) },
    lifetime,
    passphraseFor: (holder) => passphrase(`Passphrase of ${holder}`),
  };
}

export const adminCeremony: Command = {
  name: 'admin ceremony',
  usage: 'REQUEST DIRECTORY [OPTION]…',
  summary: 'make the offline keys of an index, on a machine without a network',
  details: [
    '  REQUEST                          what "holdfast init DIRECTORY --request FILE" wrote on the machine of the index',
    '  DIRECTORY                        where the keys go: a folder for each holder. It gets first.bundle, to be carried back',
    CEREMONY_HELP,
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, CEREMONY_OPTIONS, ['REQUEST', 'DIRECTORY']);
    const [request = '', directory = ''] = positionals;
    const choice = await ceremonyChoice(options);
    const online = await readRequest(request);
    const made = await holdCeremony({ ...choice, online, now: new Date(), offlineDirectory: resolve(directory) });
    const bundle = join(directory, 'first.bundle');
    await writeFirst(bundle, made);
    print(made.transcript);
    print(`Print this, and keep it. Then carry ${bundle} to the index, and complete it there:`);
    print(`  holdfast init DIRECTORY --ceremony ${shellWord(bundle)}`);
    print(
      paint(
        'bold',
        `Each holder takes a folder from ${directory} away, on memory sticks of their own, and the keys that they brought.`,
      ),
    );
    return 0;
  },
};

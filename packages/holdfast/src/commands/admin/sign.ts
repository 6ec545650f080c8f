import { planSigning, review, reviewText, signPlan, writeSignatures } from '@holdfast/operator';
import { readArguments, text, texts } from '../../arguments.ts';
import { type Command, UsageError } from '../../command.ts';
import { shellWord } from '../../shell-word.ts';
import { note, print } from '../../terminal.ts';
import { KEY_HELP, openHolderKeys } from './holder-keys.ts';
import { loadChecked, ROOT_HELP, ROOT_OPTIONS } from './review.ts';

/** Told so often how far it is. */
const TOLD_EVERY = 1_000;

export const adminSign: Command = {
  name: 'admin sign',
  usage: 'FILE --key KEY [--key KEY]… [OPTION]…',
  summary: 'sign what an export asks for, with your keys; needs no network',
  details: [
    '  --key KEY                a key of yours; each signs what it may',
    KEY_HELP,
    ROOT_HELP,
    '  --out FILE               where the signatures go (FILE.NAME.signatures, NAME being the beginning of your first key)',
    '  --offline-passphrase-file FILE   passphrase of your key files; or HOLDFAST_OFFLINE_PASSPHRASE, or it is asked for',
    'Everyone signs alone, in any order. What is signed follows from FILE alone: read "holdfast admin review FILE" before.',
  ].join('\n'),
  async run(args) {
    const own = {
      ...ROOT_OPTIONS,
      key: { type: 'string', multiple: true },
      out: { type: 'string' },
      'offline-passphrase-file': { type: 'string' },
    } as const;
    const { options, positionals } = readArguments(args, own, ['FILE']);
    const [file = ''] = positionals;
    const names = texts(options, 'key');
    if (names.length === 0) throw new UsageError('--key KEY is missing');
    const loaded = await loadChecked(file, options);
    const plan = await planSigning(loaded);
    note(reviewText({ ...review(loaded, plan), claims: [], rotated: [], quiet: [], shared: [] }).trimEnd());
    const signers = await openHolderKeys(names, options);
    const signatures = await signPlan(plan, signers, (signed, of) => {
      if (signed % TOLD_EVERY === 0) note(`  ${signed} of ${of} files`);
    });
    const out = text(options, 'out') ?? `${file}.${signers[0]?.key.keyid.slice(0, 8)}.signatures`;
    await writeSignatures(out, { id: loaded.id, signatures });
    const count = signatures.length === 1 ? '1 signature' : `${signatures.length} signatures`;
    note(`${count}. Carry ${out} to the index: holdfast admin import DIRECTORY ${shellWord(file)} ${shellWord(out)} …`);
    print(out);
    return 0;
  },
};

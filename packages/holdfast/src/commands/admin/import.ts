import { createLogger, IndexInUseError, OfflineDesk, openIndex, setNextSigning } from '@holdfast/index';
import { loadExport, mergeSignatures, planSigning, readSignatures } from '@holdfast/operator';
import { type Options, readArguments, text } from '../../arguments.ts';
import { type Command, UsageError } from '../../command.ts';
import { readPassphrase } from '../../passphrase.ts';
import { note } from '../../terminal.ts';

/** A process that serves the index looks every second. Milliseconds. */
const BEGIN_MS = 4_000;

export const adminImport: Command = {
  name: 'admin import',
  usage: 'DIRECTORY FILE SIGNATURES…',
  summary: 'publish what the holders of the offline keys signed',
  details: [
    '  FILE                     the export that they signed; SIGNATURES: what each of them brought, in any order',
    '  --next-signing DATE      when they mean to sign next, such as 2027-01-31: what uploaders of quiet projects are told',
    '  --passphrase-file FILE   passphrase of the online key, needed while nobody serves the index; or HOLDFAST_PASSPHRASE',
    'The process that serves the index publishes it, on whatever machine. While none does, this command does.',
  ].join('\n'),
  async run(args) {
    const own = { 'next-signing': { type: 'string' }, 'passphrase-file': { type: 'string' } } as const;
    const { options, positionals } = readArguments(args, own, ['DIRECTORY', 'FILE', 'SIGNATURES…']);
    const [directory = '', file = '', ...signatures] = positionals;
    const next = dateFrom(text(options, 'next-signing'));
    const loaded = await loadExport(file);
    const files = await Promise.all(signatures.map(readSignatures));
    const offer = await mergeSignatures(await planSigning(loaded), loaded.id, files);
    const desk = await OfflineDesk.open(directory);
    try {
      const id = await desk.offer(offer);
      const outcome = (await desk.outcome(id, BEGIN_MS)) ?? (await publishHere(directory, desk, id, options));
      if (outcome.state === 'refused') throw new OfferRefusedError(outcome.message);
      note(`Published with timestamp ${outcome.timestampVersion}: everyone gets it from now on.`);
    } finally {
      await desk.close();
    }
    if (next) await setNextSigning(directory, next);
    return 0;
  },
};

/** The index does not publish what was signed. Nothing was changed. */
class OfferRefusedError extends Error {
  readonly code = 'OFFER_REFUSED';

  constructor(reason: string) {
    super(reason);
    this.name = 'OfferRefusedError';
  }
}

function dateFrom(given: string | undefined): Date | undefined {
  if (given === undefined) return undefined;
  const date = new Date(`${given}T00:00:00Z`);
  if (!/^\d{4}-\d\d-\d\d$/.test(given) || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(given))
    throw new UsageError(`--next-signing takes a date such as 2027-01-31, not "${given}"`);
  if (given < new Date().toISOString().slice(0, 10)) throw new UsageError(`--next-signing ${given} is over already`);
  return date;
}

type Outcome = NonNullable<Awaited<ReturnType<OfflineDesk['outcome']>>>;

/** Nobody serves the index, so it is opened for as long as it takes. */
async function publishHere(directory: string, desk: OfflineDesk, id: number, options: Options): Promise<Outcome> {
  note('Nobody serves the index: it is opened for this.');
  const passphrase = await readPassphrase({
    file: text(options, 'passphrase-file'),
    variable: 'HOLDFAST_PASSPHRASE',
    prompt: 'Passphrase of the online key',
  });
  try {
    const index = await openIndex(directory, { passphrase, logger: createLogger('warn') });
    try {
      return await whatBecomesOf(desk, id);
    } finally {
      await index.close();
    }
  } catch (error) {
    // Somebody began to serve it a moment ago.
    if (error instanceof IndexInUseError) return await whatBecomesOf(desk, id);
    throw error;
  }
}

async function whatBecomesOf(desk: OfflineDesk, id: number): Promise<Outcome> {
  return (await desk.outcome(id, Number.POSITIVE_INFINITY)) ?? whatBecomesOf(desk, id);
}

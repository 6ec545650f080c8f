import {
  LengthMismatchError,
  MemoryMetadataStore,
  type MetadataFetcher,
  type MetadataStore,
  NotFoundError,
  TufError,
  Updater,
} from '@holdfast/tuf';
import type { CaseAnswer, CaseRequest, LookupAnswer, StepAnswer, StepRequest } from '../peers/protocol.ts';

/** What this package answers to what the peers are asked. An error that is no TufError is a bug and ends the test. */
export async function runOurs({ trusted, steps }: CaseRequest): Promise<CaseAnswer> {
  const store = new MemoryMetadataStore();
  const answers: StepAnswer[] = [];
  for (const step of steps) answers.push(await runStep(Buffer.from(trusted, 'base64'), store, step));
  return { steps: answers };
}

async function runStep(trustedRoot: Uint8Array, store: MetadataStore, step: StepRequest): Promise<StepAnswer> {
  const updater = new Updater({ trustedRoot, store, fetcher: served(step.files), clock: () => new Date() });
  try {
    await updater.refresh();
  } catch (error) {
    return { refused: refusal(error), lookups: [] };
  }
  const lookups: LookupAnswer[] = [];
  for (const path of step.lookups) lookups.push(await lookUp(updater, path));
  return { lookups };
}

async function lookUp(updater: Updater, path: string): Promise<LookupAnswer> {
  try {
    const info = await updater.targetInfo(path);
    return info === undefined ? {} : { length: info.file.length, hashes: Object.fromEntries(info.file.hashes) };
  } catch (error) {
    return { refused: refusal(error) };
  }
}

function refusal(error: unknown): string {
  if (error instanceof TufError) return `${error.code}: ${error.message}`;
  throw error;
}

function served(record: Readonly<Record<string, string>>): MetadataFetcher {
  const files = new Map(Object.entries(record));
  return {
    async fetch(path, { maxLength }) {
      const base64 = files.get(decodeURIComponent(path));
      if (base64 === undefined) throw new NotFoundError(path);
      const bytes = Buffer.from(base64, 'base64');
      if (bytes.length > maxLength) throw new LengthMismatchError(path, maxLength, undefined);
      return bytes;
    },
  };
}

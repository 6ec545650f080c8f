import { IndexInUseError } from '../errors.ts';
import type { Records } from '../records/records.ts';
import type { ImportProblem, ImportSource } from './entry.ts';
import { forgetCursor, type ImportCounts, runImport } from './run-import.ts';

/** What an import needs of an index. */
export interface ImportingIndex {
  readonly records: Records;
  /** Whether this process signs. */
  readonly leads: boolean;
  publishImported(): Promise<number>;
}

export interface ImportFilesOptions {
  readonly source: ImportSource;
  /** Owns the projects that are new. It must exist. */
  readonly account: string;
  readonly clock?: () => Date;
  /** Told of each item that is not imported. */
  readonly onProblem?: (problem: ImportProblem) => void;
  /** Told how many files are in the records so far. */
  readonly onLoaded?: (counts: ImportCounts) => void;
  /** Entries of one transaction; a crash loses at most the two that are under way. */
  readonly batch?: number;
  /** Ends it between two batches. */
  readonly stop?: AbortSignal;
}

export interface ImportSummary extends ImportCounts {
  /** Of the timestamp that leads to everything. */
  readonly timestampVersion: number;
}

/**
 * Brings what a source lists into the index and publishes it. Broken off at any moment, the same import goes on where it was.
 * What a source has is never changed once it is in the index.
 * @throws AccountUnknownError, IndexInUseError; the reason of `stop`; what the source throws
 */
export async function importFiles(index: ImportingIndex, options: ImportFilesOptions): Promise<ImportSummary> {
  const { source, account, batch, stop } = options;
  if (!index.leads) throw new IndexInUseError('the index');
  const counts = await runImport({
    records: index.records,
    source,
    account,
    clock: options.clock ?? (() => new Date()),
    batch,
    onProblem: options.onProblem ?? (() => {}),
    onProgress: options.onLoaded ?? (() => {}),
    ...(stop && { stop }),
  });
  const timestampVersion = await index.publishImported();
  await forgetCursor(index.records, source);
  return { ...counts, timestampVersion };
}

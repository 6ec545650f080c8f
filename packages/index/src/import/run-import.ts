import { AccountUnknownError } from '../errors.ts';
import type { Records } from '../records/records.ts';
import type { ImportEntry, ImportProblem, ImportSource } from './entry.ts';
import { Loader } from './load.ts';

export interface ImportOptions {
  readonly records: Records;
  readonly source: ImportSource;
  /** Owns the projects that are new. */
  readonly account: string;
  readonly clock: () => Date;
  /** Told of each item that is not imported, before the batch it came with counts as done. */
  readonly onProblem: (problem: ImportProblem) => void;
  readonly onProgress: (counts: ImportCounts) => void;
  /** Entries of one transaction. */
  readonly batch?: number | undefined;
  /** Ends the import between two batches; the same import started again goes on from there. */
  readonly stop?: AbortSignal;
}

export interface ImportCounts {
  /** Files that are new in the records. */
  readonly added: number;
  /** Files that were there with the same bytes. */
  readonly known: number;
  /** Items that were not imported. */
  readonly refused: number;
  /** Files whose bytes are nowhere: an installer that asks for one is told so. */
  readonly withoutBytes: number;
}

/** Entries of one transaction: large ones share the pages of the database that they change. */
const LARGE_BATCH = 20_000;
const COSTLY_BATCH = 100;
/** Milliseconds after which also a small batch of costly items is written. */
const COSTLY_MS = 5_000;

/**
 * Brings everything that a source has into the records. It ends with every entry known there or refused; publishing them is
 * another step.
 * @throws AccountUnknownError; what the source throws: the same import can go on later
 */
export async function runImport(options: ImportOptions): Promise<ImportCounts> {
  const { records, source, account, clock } = options;
  const found = await records.read.selectFrom('accounts').select('name').where('name', '=', account).executeTakeFirst();
  if (!found) throw new AccountUnknownError(account);
  const loading = new Loading(options, new Loader(records, { account, source: source.id, clock }));
  const begun = await records.read
    .selectFrom('imports')
    .select('cursor')
    .where('source', '=', source.id)
    .executeTakeFirst();
  try {
    for await (const { entry, problem, cursor } of source.items(begun?.cursor)) {
      if (problem) loading.refuse(problem);
      if (entry) loading.add(entry);
      if (cursor !== undefined) loading.reached(cursor);
      if (!loading.isFull) continue;
      await loading.write();
      options.stop?.throwIfAborted();
    }
  } finally {
    await loading.end();
  }
  return loading.counts;
}

/** The next run of the same source begins at its beginning: everything it had is published. */
export async function forgetCursor(records: Records, source: ImportSource): Promise<void> {
  await records.write((db) => db.deleteFrom('imports').where('source', '=', source.id).execute());
}

/** What is on its way into the records. While one batch is written, the next one is collected. */
class Loading {
  counts: ImportCounts = { added: 0, known: 0, refused: 0, withoutBytes: 0 };
  readonly #options: ImportOptions;
  readonly #loader: Loader;
  #entries: ImportEntry[] = [];
  #items = 0;
  #cursor: string | undefined;
  #began = performance.now();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ImportOptions, loader: Loader) {
    this.#options = options;
    this.#loader = loader;
  }

  get isFull(): boolean {
    const { source, batch = source.costly ? COSTLY_BATCH : LARGE_BATCH } = this.#options;
    if (this.#items >= batch || !source.costly) return this.#items >= batch;
    return this.#items > 0 && performance.now() - this.#began > COSTLY_MS;
  }

  add(entry: ImportEntry): void {
    this.#entries.push(entry);
    this.#items += 1;
  }

  reached(cursor: string): void {
    this.#cursor = cursor;
  }

  refuse(problem: ImportProblem): void {
    this.#items += 1;
    this.counts = { ...this.counts, refused: this.counts.refused + 1 };
    this.#options.onProblem(problem);
  }

  /** Begins to write what was collected, once what was collected before is written. */
  async write(): Promise<void> {
    const [entries, cursor] = [this.#entries, this.#cursor];
    this.#entries = [];
    this.#items = 0;
    this.#cursor = undefined;
    await this.#writing;
    this.#began = performance.now();
    if (entries.length === 0 && cursor === undefined) return;
    this.#writing = this.#load(entries, cursor);
    this.#writing.catch(() => {}); // Whoever waits for it hears of it.
  }

  /** Everything that was collected is written. */
  async end(): Promise<void> {
    await this.write();
    await this.#writing;
  }

  async #load(entries: readonly ImportEntry[], cursor: string | undefined): Promise<void> {
    const { added, known, problems } = await this.#loader.load({ entries, cursor });
    const before = this.counts;
    this.counts = {
      added: before.added + added,
      known: before.known + known,
      refused: before.refused + problems.length,
      withoutBytes: before.withoutBytes + entries.filter(({ location }) => location === '').length,
    };
    for (const problem of problems) this.#options.onProblem(problem);
    this.#options.onProgress(this.counts);
  }
}

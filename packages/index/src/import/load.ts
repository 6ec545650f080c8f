import type { ProjectName } from '@holdfast/python-index';
import { projectBin } from '@holdfast/trust';
import { CompiledQuery, type Insertable, type Kysely, type Transaction } from 'kysely';
import { chunks } from '../publish/chunks.ts';
import { binNumber } from '../publish/file-rows.ts';
import { signableReason } from '../publish/signable.ts';
import type { Records } from '../records/records.ts';
import type { Database, FilesTable } from '../records/schema.ts';
import type { ImportEntry, ImportProblem } from './entry.ts';

/** What became of a batch of entries. */
export interface LoadOutcome {
  readonly added: number;
  /** They were there with the same bytes. */
  readonly known: number;
  readonly problems: readonly ImportProblem[];
}

export interface Batch {
  readonly entries: readonly ImportEntry[];
  /** Of the source, behind the last entry; absent when a later run cannot start there. */
  readonly cursor?: string | undefined;
}

/** Rows of one statement: larger ones gain nothing. */
const ROWS = 200;
/** Signed metadata is read by everyone who looks for a neighbour of the file. */
const MAX_SPECIFIER_LENGTH = 1_000;
/** Names asked for in one statement. */
const NAMES = 500;

/**
 * Writes entries into the records, as files that wait for their first publication. Nothing that is there is changed: a
 * filename with the same hash is skipped, one with another hash is a problem.
 */
export class Loader {
  readonly #records: Records;
  readonly #account: string;
  readonly #source: string;
  readonly #clock: () => Date;
  /** Making the text of a statement with thousands of parameters costs more than to run it. */
  readonly #insertRows: string;

  constructor(records: Records, { account, source, clock }: { account: string; source: string; clock: () => Date }) {
    this.#records = records;
    this.#account = account;
    this.#source = source;
    this.#clock = clock;
    this.#insertRows = insertFiles(
      records.read,
      Array.from({ length: ROWS }, () => EMPTY),
    ).compile().sql;
  }

  /** One transaction: entries and cursor are durable together. */
  load({ entries, cursor }: Batch): Promise<LoadOutcome> {
    return this.#records.write(async (db) => {
      const problems: ImportProblem[] = [];
      const foreign = await this.#othersProjects(db, entries);
      const own = entries.filter(({ project, filename, requiresPython = '' }) => {
        const reason = foreign.has(project)
          ? `${project} belongs to others: ${this.#account} is no member`
          : requiresPython.length > MAX_SPECIFIER_LENGTH &&
            `requires-python is longer than ${MAX_SPECIFIER_LENGTH} characters`;
        if (reason !== false) problems.push({ item: filename, reason });
        return reason === false;
      });
      await this.#addProjects(db, own);
      const inserted = await this.#insert(db, own);
      const left = leftover(own, inserted);
      const known = left.length === 0 ? 0 : await this.#judge(db, left, problems);
      if (cursor !== undefined) await this.#remember(db, cursor);
      return { added: own.length - left.length, known, problems };
    });
  }

  async #othersProjects(db: Transaction<Database>, entries: readonly ImportEntry[]): Promise<ReadonlySet<string>> {
    const names = [...new Set(entries.map(({ project }) => project))];
    const parts = await Promise.all(
      Array.from(chunks(names, NAMES), (some) =>
        db
          .selectFrom('projects')
          .leftJoin('members', (join) =>
            join.onRef('members.project', '=', 'projects.name').on('members.account', '=', this.#account),
          )
          .select('projects.name')
          .where('projects.name', 'in', some)
          .where('members.account', 'is', null)
          .execute(),
      ),
    );
    return new Set(parts.flat().map(({ name }) => name));
  }

  async #addProjects(db: Transaction<Database>, entries: readonly ImportEntry[]): Promise<void> {
    const at = this.#clock().getTime();
    const projects = new Map(entries.map(({ project, displayName }) => [project, displayName]));
    const parts = Array.from(chunks([...projects], ROWS), (some) => [
      db
        .insertInto('projects')
        .values(
          some.map(([name, display_name]) => ({
            name,
            display_name,
            created_at: at,
            created_by: this.#account,
            bytes: 0,
          })),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
      db
        .insertInto('members')
        .values(some.map(([project]) => ({ project, account: this.#account, added_at: at })))
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    ]);
    await Promise.all(parts.flat());
  }

  /** @returns the filenames that were not there before, each as often as it is one: once */
  async #insert(db: Transaction<Database>, entries: readonly ImportEntry[]): Promise<ReadonlySet<string>> {
    const answers = await Promise.all(
      Array.from(chunks(entries, ROWS), (some) => {
        const rows = some.map((entry) => rowOf(entry, this.#account));
        if (rows.length < ROWS) return insertFiles(db, rows).execute();
        const values = rows.flatMap((row) => COLUMNS.map((column) => row[column]));
        return db
          .executeQuery<{ filename: string }>(CompiledQuery.raw(this.#insertRows, values))
          .then(({ rows: own }) => own);
      }),
    );
    const inserted = new Set(answers.flat().map(({ filename }) => filename));
    await this.#addBytes(db, entries, inserted);
    return inserted;
  }

  async #addBytes(
    db: Transaction<Database>,
    entries: readonly ImportEntry[],
    inserted: ReadonlySet<string>,
  ): Promise<void> {
    const sums = new Map<string, number>();
    const counted = new Set<string>();
    for (const { project, filename, size } of entries) {
      if (!inserted.has(filename) || counted.has(filename)) continue;
      counted.add(filename);
      sums.set(project, (sums.get(project) ?? 0) + size);
    }
    await Promise.all(
      Array.from(sums, ([name, bytes]) =>
        db
          .updateTable('projects')
          .set(({ eb }) => ({ bytes: eb('bytes', '+', bytes) }))
          .where('name', '=', name)
          .execute(),
      ),
    );
  }

  /** Entries whose names were taken: fine with the same bytes. */
  async #judge(db: Transaction<Database>, entries: readonly ImportEntry[], problems: ImportProblem[]): Promise<number> {
    const parts = await Promise.all(
      Array.from(chunks(entries, NAMES), (some) =>
        db
          .selectFrom('files')
          .select(['filename', 'project', 'sha256', 'state'])
          .where(
            'filename',
            'in',
            some.map(({ filename }) => filename),
          )
          .execute(),
      ),
    );
    const there = new Map(parts.flat().map((row) => [row.filename, row]));
    let known = 0;
    for (const { filename, project, sha256 } of entries) {
      const row = there.get(filename);
      if (row?.project === project && row.sha256 === sha256 && row.state !== 'deleted') known += 1;
      else problems.push({ item: filename, reason: takenBy(row) });
    }
    return known;
  }

  async #remember(db: Transaction<Database>, cursor: string): Promise<void> {
    const row = { source: this.#source, cursor, updated_at: this.#clock().getTime() };
    await db
      .insertInto('imports')
      .values(row)
      .onConflict((conflict) => conflict.column('source').doUpdateSet(row))
      .execute();
  }
}

/** Entries that did not become rows; of two with one name, the first did. */
function leftover(entries: readonly ImportEntry[], inserted: ReadonlySet<string>): ImportEntry[] {
  if (inserted.size === entries.length) return [];
  const seen = new Set<string>();
  return entries.filter(({ filename }) => {
    if (!inserted.has(filename) || seen.has(filename)) return true;
    seen.add(filename);
    return false;
  });
}

function takenBy(row: { readonly project: string; readonly state: string } | undefined): string {
  if (row?.state === 'deleted') return 'a file of this name was deleted; names are not used again';
  return `the index has a file of this name with other bytes${row ? `, in ${row.project}` : ''}`;
}

function rowOf(entry: ImportEntry, account: string): Insertable<FilesTable> {
  return {
    filename: entry.filename,
    project: entry.project,
    bin: binOf(entry.project),
    version: entry.version,
    kind: entry.kind,
    size: entry.size,
    sha256: entry.sha256,
    metadata_sha256: entry.coreMetadata?.sha256 ?? null,
    metadata_size: entry.coreMetadata?.size ?? null,
    requires_python: entry.requiresPython ?? null,
    yanked: entry.yanked === undefined ? null : signableReason(entry.yanked),
    uploaded_at: entry.uploadTime.getTime(),
    account,
    state: 'imported',
    location: entry.location ?? null,
  };
}

let lastBin: { readonly project: string; readonly bin: number } | undefined;

/** Files of one project mostly come together. */
function binOf(project: ProjectName): number {
  if (lastBin?.project !== project) lastBin = { project, bin: binNumber(projectBin(project)) };
  return lastBin.bin;
}

const EMPTY: Insertable<FilesTable> = {
  filename: '',
  project: '',
  bin: 0,
  version: '',
  kind: '',
  size: 0,
  sha256: '',
  metadata_sha256: null,
  metadata_size: null,
  requires_python: null,
  yanked: null,
  uploaded_at: 0,
  account: '',
  state: 'imported',
  location: null,
};
const COLUMNS = Object.keys(EMPTY) as (keyof Insertable<FilesTable>)[];

function insertFiles(db: Kysely<Database>, rows: readonly Insertable<FilesTable>[]) {
  return db
    .insertInto('files')
    .values([...rows])
    .onConflict((conflict) => conflict.column('filename').doNothing())
    .returning('filename');
}

import { rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Standing } from '../records/claims-schema.ts';
import type { SignedRole } from '../publish/sign-roles.ts';
import type { SaidFile, SaidProject } from './compare.ts';
import type { NamedProject } from './merge-projects.ts';

/** Rows as SQLite gives them. What a thief could write is not believed to have the type of its column. */
export type Row = Readonly<Record<string, unknown>>;

/** A project that others than the index answer for, as their signatures say. */
export interface SignedProject {
  readonly project: string;
  readonly standing: Standing;
  /** Null for `rarely-updated`, as are keys and threshold. */
  readonly role: string | null;
  readonly keys: string | null;
  readonly threshold: number | null;
  readonly rotations: number;
  readonly revoked: number;
}

/** As in the records: `FilesTable`. */
export interface SignedFile {
  readonly project: string;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  readonly metadata_sha256: string | null;
  readonly metadata_size: number | null;
  readonly requires_python: string | null;
  readonly yanked: string | null;
  readonly uploaded_at: number;
}

const SCHEMA = `
  create table said_files (project text, filename text, sha256 text, yanked text, state text, account text, uploaded_at integer,
    primary key (project, filename)) strict, without rowid;
  create index said_filenames on said_files (filename);
  create table said_standings (project text primary key, standing text) strict, without rowid;
  create table kept (role text primary key, bytes blob) strict;
  create table kept_roots (version integer primary key, bytes blob) strict;
  create table stored (role text, key text, primary key (role, key)) strict, without rowid;
  create table roles (role text primary key, version integer, expires_at integer, sha256 text, length integer, bytes blob) strict;
  create table projects (project text primary key, standing text, role text, keys text, threshold integer, rotations integer,
    revoked integer) strict;
  create table signed_files (project text, filename text, size integer, sha256 text, metadata_sha256 text, metadata_size integer,
    requires_python text, yanked text, uploaded_at integer, primary key (project, filename)) strict, without rowid;`;

/**
 * A file of its own, gone afterwards, where a recovery lays out what the index says (`said…`), what metadata there is anywhere (`kept…`,
 * `stored`), and what of it verifies (`roles`, `projects`, `signed_files`): as much as there is, in the memory of a page.
 */
export class Worktable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#path = path;
    this.#remove();
    this.#database = new DatabaseSync(path);
    // Nothing of it outlives this process.
    this.#database.exec('pragma journal_mode = off; pragma synchronous = off; begin');
    this.#database.exec(SCHEMA);
  }

  /** The first row with the key stays. */
  add(table: string, row: Readonly<Record<string, SQLInputValue>>): void {
    const columns = Object.keys(row);
    const values = columns.map(() => '?').join();
    this.#statement(`insert or ignore into ${table} (${columns.join()}) values (${values})`).run(...Object.values(row));
  }

  addRole({ role, version, expiresAt, sha256, length, bytes }: SignedRole): void {
    this.add('roles', { role, version, expires_at: expiresAt, sha256, length, bytes });
  }

  role(role: string): SignedRole | undefined {
    const row = this.#statement('select * from roles where role = ?').get(role);
    return row && roleIn(row);
  }

  /** In the order of their names. */
  *roles(): Generator<SignedRole> {
    for (const row of this.#each('select * from roles order by role')) yield roleIn(row);
  }

  *signedProjects(): Generator<SignedProject> {
    for (const row of this.#each('select * from projects order by project')) yield row as unknown as SignedProject;
  }

  signedProject(project: string): SignedProject | undefined {
    return this.#statement('select * from projects where project = ?').get(project) as SignedProject | undefined;
  }

  *signedFiles(project: string): Generator<SignedFile> {
    for (const row of this.#each('select * from signed_files where project = ?', project))
      yield row as unknown as SignedFile;
  }

  /** The file of this name, as the index says it. */
  saidFile(filename: string): Row | undefined {
    return this.#statement('select * from said_files where filename = ?').get(filename);
  }

  *stored(role: string): Generator<string> {
    for (const row of this.#each('select key from stored where role = ?', role)) yield String(row['key']);
  }

  kept(role: string): Uint8Array | undefined {
    return bytesIn(this.#statement('select bytes from kept where role = ?').get(role));
  }

  keptRoot(version: number): Uint8Array | undefined {
    return bytesIn(this.#statement('select bytes from kept_roots where version = ?').get(version));
  }

  /** What the index says, by the names of projects. */
  said(): Generator<NamedProject> {
    return this.#states(
      `select s.project, standing, filename, sha256, yanked, account, uploaded_at from
        (select project from said_files union select project from said_standings) s
        left join said_files using (project) left join said_standings using (project) order by s.project`,
    );
  }

  /** What developers and the holders of offline keys say. */
  signed(): Generator<NamedProject> {
    return this.#states(
      `select p.project, standing, filename, sha256, yanked from projects p left join signed_files using (project) order by p.project`,
    );
  }

  count(table: string): number {
    return Number(this.#statement(`select count(*) as rows from ${table}`).get()?.['rows']);
  }

  close(): void {
    this.#database.close();
    this.#remove();
  }

  *#states(query: string): Generator<NamedProject> {
    let current:
      | { readonly project: string; standing: SaidProject['standing']; files: Map<string, SaidFile> }
      | undefined;
    for (const row of this.#each(query)) {
      const project = String(row['project']);
      if (current?.project !== project) {
        if (current) yield current;
        current = { project, standing: (row['standing'] ?? 'unclaimed') as SaidProject['standing'], files: new Map() };
      }
      const { filename } = row;
      if (typeof filename === 'string') current.files.set(filename, fileIn(row));
    }
    if (current) yield current;
  }

  /** A statement of its own: who walks may ask for something else meanwhile. */
  *#each(query: string, ...values: SQLInputValue[]): Generator<Row> {
    yield* this.#database.prepare(query).iterate(...values);
  }

  #statement(query: string): StatementSync {
    const known = this.#statements.get(query) ?? this.#database.prepare(query);
    this.#statements.set(query, known);
    return known;
  }

  #remove(): void {
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(this.#path + end, { force: true });
  }
}

export const bytesIn = (row: Row | undefined): Uint8Array | undefined => {
  const bytes = row?.['bytes'];
  return bytes instanceof Uint8Array && bytes.length > 0 ? bytes : undefined;
};

function roleIn(row: Row): SignedRole {
  return {
    role: String(row['role']),
    version: Number(row['version']),
    expiresAt: Number(row['expires_at']),
    sha256: String(row['sha256']),
    length: Number(row['length']),
    bytes: bytesIn(row) ?? new Uint8Array(),
  };
}

function fileIn({ sha256, yanked, account, uploaded_at }: Row): SaidFile {
  return {
    sha256: String(sha256),
    yanked: typeof yanked === 'string' ? yanked : null,
    ...(typeof account === 'string' && { account }),
    ...(typeof uploaded_at === 'number' && { uploadedAt: uploaded_at }),
  };
}

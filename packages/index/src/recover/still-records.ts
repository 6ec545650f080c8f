import { DatabaseSync } from 'node:sqlite';
import type { Standing } from '../records/claims-schema.ts';
import type { SaidFile, SaidProject } from './compare.ts';

/** Rows as SQLite gives them. What a thief could write is not believed to have the type of its column. */
export type Row = Readonly<Record<string, unknown>>;

/** A records' file that nobody writes, read row by row: of the index as it is, or of a backup. */
export class StillRecords {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true });
    this.#database.exec('pragma trusted_schema = off');
  }

  /** Metadata that others signed, as this file has it; `undefined` when it has none. */
  kept(role: string): Uint8Array | undefined {
    const row = this.#database.prepare('select bytes from offline_roles where role = ?').get(role);
    return bytesIn(row);
  }

  /** Names of all roles whose bytes it has. */
  *keptRoles(): Iterable<string> {
    for (const row of this.#database.prepare('select role from offline_roles').iterate()) yield String(row['role']);
  }

  root(version: number): Uint8Array | undefined {
    return bytesIn(this.#database.prepare('select bytes from roots where version = ?').get(version));
  }

  get newest(): number {
    const row = this.#database.prepare('select max(id) as id from publications where published_at is not null').get();
    const id = Number(row?.['id'] ?? 0);
    return Number.isSafeInteger(id) ? id : 0;
  }

  standings(): Row[] {
    return this.#database.prepare('select * from standings').all();
  }

  file(filename: string): Row | undefined {
    return this.#database.prepare('select * from files where filename = ?').get(filename);
  }

  project(name: string): Row | undefined {
    return this.#database.prepare('select * from projects where name = ?').get(name);
  }

  has(table: 'accounts', name: string): boolean {
    return this.#database.prepare(`select 1 from ${table} where name = ?`).get(name) !== undefined;
  }

  /** Every project with its files that are published, or about to be. */
  projects(): Map<string, SaidProject> {
    const files = new Map<string, Map<string, SaidFile>>();
    const query = this.#database.prepare(
      "select project, filename, sha256, yanked from files where state in ('published', 'queued', 'imported')",
    );
    for (const row of query.iterate()) {
      const { project, filename, sha256, yanked } = row;
      const own = files.get(String(project)) ?? new Map<string, SaidFile>();
      own.set(String(filename), { sha256: String(sha256), yanked: typeof yanked === 'string' ? yanked : null });
      files.set(String(project), own);
    }
    const said = new Map<string, SaidProject>();
    for (const [project, own] of files) said.set(project, { standing: 'unclaimed', files: own });
    for (const row of this.standings()) {
      const project = String(row['project']);
      said.set(project, { standing: standingIn(row), files: files.get(project) ?? new Map() });
    }
    return said;
  }

  close(): void {
    this.#database.close();
  }
}

const bytesIn = (row: Row | undefined): Uint8Array | undefined => {
  const bytes = row?.['bytes'];
  return bytes instanceof Uint8Array && bytes.length > 0 ? bytes : undefined;
};

const STANDINGS: readonly unknown[] = ['recently-claimed', 'claimed', 'rarely-updated'] satisfies Standing[];

function standingIn(row: Row): SaidProject['standing'] {
  const { standing } = row;
  return STANDINGS.includes(standing) ? (standing as Standing) : 'unclaimed';
}

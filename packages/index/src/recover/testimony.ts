import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { DamagedIndexError } from '../errors.ts';
import type { Records } from '../records/records.ts';
import type { Standing } from '../records/claims-schema.ts';
import { bytesIn, type Row, type Worktable } from './worktable.ts';

/** Larger numbers would make the reader fail. */
const whole = (column: string): string =>
  `case when ${column} between 0 and ${Number.MAX_SAFE_INTEGER} then ${column} end as ${column}`;

/** What is read of the records of an index that a thief could write: with their keys, and how many rows at once. */
const TABLES = {
  files: {
    columns: `project, filename, sha256, yanked, state, account, ${whole('uploaded_at')}`,
    key: 'filename',
    page: 1_000,
  },
  standings: { columns: 'project, standing', key: 'project', page: 1_000 },
  offline_roles: { columns: 'role, bytes', key: 'role', page: 8 },
  roots: { columns: `${whole('version')}, bytes`, key: 'version', page: 8 },
} as const;

export type TestimonyTable = keyof typeof TABLES;

/** Records that nobody believes, read row by row. */
export interface Testimony {
  rows(table: TestimonyTable): Iterable<Row> | AsyncIterable<Row>;
  /** The number of the newest publication. */
  newest(): Promise<number>;
}

const NEWEST = `select max(id) as id from publications where published_at is not null and id between 1 and ${Number.MAX_SAFE_INTEGER}`;

/** A records' file that nobody writes meanwhile. */
export function testimonyOfFile(path: string): Testimony & { close(): void } {
  const database = new DatabaseSync(path, { readOnly: true });
  database.exec('pragma trusted_schema = off');
  return {
    rows: (table) => database.prepare(`select ${TABLES[table].columns} from ${table}`).iterate(),
    newest: async () => numberIn(database.prepare(NEWEST).get()?.['id']),
    close: () => database.close(),
  };
}

/** A database, page by page. */
export function testimonyOfRecords({ read }: Records): Testimony {
  return {
    rows: (table) => pages(read, table),
    newest: async () => numberIn((await sql<Row>`${sql.raw(NEWEST)}`.execute(read)).rows[0]?.['id']),
  };
}

async function* pages(read: Records['read'], table: TestimonyTable): AsyncGenerator<Row, void> {
  const { columns, key, page } = TABLES[table];
  for (let after: unknown; ; ) {
    const beyond = after === undefined ? sql`` : sql`where ${sql.ref(key)} > ${after}`;
    const { rows } =
      await sql<Row>`select ${sql.raw(columns)} from ${sql.table(table)} ${beyond} order by ${sql.ref(key)} limit ${sql.lit(page)}`.execute(
        read,
      );
    yield* rows;
    const last = rows.at(-1)?.[key];
    if (rows.length < page) return;
    if (typeof last !== 'string' && typeof last !== 'number') throw new DamagedIndexError(table, 'rows without a key');
    after = last;
  }
}

const PROJECT = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const NAME = /^[A-Za-z0-9_+!~-][A-Za-z0-9._+!~-]{0,254}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const STATES: readonly unknown[] = ['published', 'queued', 'imported'];
const STANDINGS: readonly unknown[] = ['recently-claimed', 'claimed', 'rarely-updated'] satisfies Standing[];

const isText = (value: unknown, pattern: RegExp): value is string => typeof value === 'string' && pattern.test(value);
const numberIn = (value: unknown): number => (typeof value === 'number' && Number.isSafeInteger(value) ? value : 0);

/**
 * Lays out what the records say: files that are published or about to be, standings, and metadata of others. O(n) time and disk, and
 * memory for one page.
 * @returns rows that no index writes: they are passed over
 */
export async function layOutTestimony(from: Testimony, to: Worktable): Promise<number> {
  let strange = 0;
  for await (const row of from.rows('files')) {
    const { project, filename, sha256, yanked, state, account, uploaded_at } = row;
    if (typeof state === 'string' && !STATES.includes(state)) continue;
    if (!isText(project, PROJECT) || !isText(filename, NAME) || !isText(sha256, SHA256) || typeof state !== 'string') {
      strange += 1;
      continue;
    }
    to.add('said_files', {
      project,
      filename,
      sha256,
      state,
      yanked: typeof yanked === 'string' ? yanked : null,
      account: typeof account === 'string' ? account : null,
      uploaded_at: typeof uploaded_at === 'number' ? Math.trunc(uploaded_at) : null,
    });
  }
  for await (const { project, standing } of from.rows('standings')) {
    if (isText(project, PROJECT) && typeof standing === 'string' && STANDINGS.includes(standing))
      to.add('said_standings', { project, standing });
    else strange += 1;
  }
  for await (const row of from.rows('offline_roles')) {
    const bytes = bytesIn(row);
    if (typeof row['role'] === 'string' && bytes) to.add('kept', { role: row['role'], bytes });
  }
  for await (const row of from.rows('roots')) {
    const [version, bytes] = [numberIn(row['version']), bytesIn(row)];
    if (version > 0 && bytes) to.add('kept_roots', { version, bytes });
  }
  return strange;
}

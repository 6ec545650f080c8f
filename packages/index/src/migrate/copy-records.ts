import { createHash } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import { DamagedIndexError } from '../errors.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';

/** Every table but `signing`, which tells of processes, with its key; those that others refer to come first. */
export const TABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ['accounts', ['name']],
  ['projects', ['name']],
  ['members', ['project', 'account']],
  ['tokens', ['id']],
  ['account_keys', ['account', 'keyid']],
  ['standings', ['project']],
  ['standing_keys', ['keyid', 'project']],
  ['claims_waiting', ['project']],
  ['evidence', ['id']],
  ['transactions', ['id']],
  ['transaction_roles', ['transaction_id', 'role']],
  ['offered_roles', ['role']],
  ['offered_standings', ['project']],
  ['offline_imports', ['id']],
  ['offline_import_roles', ['import_id', 'role']],
  ['files', ['filename']],
  ['changes', ['id']],
  ['publications', ['id']],
  ['roles', ['role']],
  ['prepared', ['role']],
  ['offline_roles', ['role']],
  ['replaced', ['role', 'version']],
  ['imports', ['source']],
  ['mass_publications', ['id']],
  ['feed', ['id']],
  ['roots', ['version']],
]);
/** Their keys are counted up by the database. */
const COUNTED = ['changes', 'evidence', 'mass_publications', 'offline_imports', 'transactions'];
/** Rows of one statement: PostgreSQL takes 65 535 values. Those with metadata may have megabytes. */
const PAGE = 500;
const LARGE_PAGE = 8;
const LARGE = ['evidence', 'offered_roles', 'offline_import_roles', 'offline_roles', 'transaction_roles'];

const rowsOf = (table: string): number => (LARGE.includes(table) ? LARGE_PAGE : PAGE);

type Row = Record<string, unknown>;

/** What is in a table. */
export interface TableDigest {
  readonly rows: number;
  /** SHA-256 of all rows in the order of their keys, lower-case hex. */
  readonly sha256: string;
}

/**
 * Copies every row that is not there yet, in the order of the keys: what an earlier attempt copied is its beginning.
 * @returns what is in each table, the same in both, as it was read back
 * @throws DamagedIndexError when a table of the copy differs
 */
export async function copyRecords(
  from: Pick<Records, 'read'>,
  to: Records,
  onTable: (table: string, digest: TableDigest) => void,
): Promise<void> {
  for (const [table, key] of TABLES) {
    for (let after = await lastRow(to.read, table, key); ; ) {
      const rows = await page(from.read, table, key, after);
      if (rows.length > 0) await to.write((db) => insert(db, table, rows, to.shared !== undefined));
      after = rows.at(-1) ?? after;
      if (rows.length < rowsOf(table)) break;
    }
    const [original, copy] = await Promise.all([digestOf(from.read, table, key), digestOf(to.read, table, key)]);
    if (original.rows !== copy.rows || original.sha256 !== copy.sha256) {
      throw new DamagedIndexError(table, `its copy has ${copy.rows} rows of ${original.rows}, or other ones`);
    }
    onTable(table, original);
  }
  if (to.shared) await to.write(countOn);
}

/** Everything in a table, in the order of its key, without keeping it. */
export async function digestOf(db: Kysely<Database>, table: string, key: readonly string[]): Promise<TableDigest> {
  const digest = createHash('sha256');
  let count = 0;
  for (let after: Row | undefined; ; ) {
    const rows = await page(db, table, key, after);
    for (const row of rows) digest.update(textOf(row));
    count += rows.length;
    after = rows.at(-1);
    if (rows.length < rowsOf(table)) return { rows: count, sha256: digest.digest('hex') };
  }
}

function textOf(row: Row): string {
  const values = Object.keys(row)
    .toSorted()
    .map((column) => [
      column,
      row[column] instanceof Uint8Array ? Buffer.from(row[column]).toString('hex') : row[column],
    ]);
  return `${JSON.stringify(values)}\n`;
}

async function page(db: Kysely<Database>, table: string, key: readonly string[], after?: Row): Promise<Row[]> {
  const columns = sql.join(key.map((column) => sql.ref(column)));
  const beyond = after ? sql`where (${columns}) > (${sql.join(key.map((column) => after[column]))})` : sql``;
  const { rows } =
    await sql<Row>`select * from ${sql.table(table)} ${beyond} order by ${columns} limit ${sql.lit(rowsOf(table))}`.execute(
      db,
    );
  return rows;
}

async function lastRow(db: Kysely<Database>, table: string, key: readonly string[]): Promise<Row | undefined> {
  const order = sql.join(key.map((column) => sql`${sql.ref(column)} desc`));
  const { rows } = await sql<Row>`select * from ${sql.table(table)} order by ${order} limit 1`.execute(db);
  return rows[0];
}

async function insert(
  db: Transaction<Database>,
  table: string,
  rows: readonly Row[],
  postgres: boolean,
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`);
  const names = sql.join(columns.map((column) => sql.ref(column)));
  // PostgreSQL takes numbers that it would count itself only so.
  const keep = postgres && COUNTED.includes(table) ? sql`overriding system value` : sql``;
  await sql`insert into ${sql.table(table)} (${names}) ${keep} values ${sql.join(values)}`.execute(db);
}

/** The next number is one that was never given. */
async function countOn(db: Transaction<Database>): Promise<void> {
  for (const table of COUNTED) {
    await sql`select setval(pg_get_serial_sequence(${table}, 'id'), max(id)) from ${sql.table(table)} having max(id) is not null`.execute(
      db,
    );
  }
}

import { type ColumnDataType, type RawBuilder, sql } from 'kysely';
import { postgresStandingKeys, sqliteStandingKeys } from './migration-0010-standing-keys.ts';

/** What the dialects call the same thing. Everything else in the schema and in the queries is common to them. */
export interface ColumnTypes {
  /** Ordered by code points. */
  readonly text: ColumnDataType | RawBuilder<unknown>;
  readonly integer: ColumnDataType;
  readonly bytes: ColumnDataType;
  /** An integer primary key that the database counts up, never giving a number twice. */
  readonly counter: RawBuilder<unknown>;
  /** Whether a column can lose its `not null`; there, migrations run in transactions as well. */
  readonly altersInPlace: boolean;
  /** What stands behind the closing bracket of a table. */
  readonly tableSuffix: RawBuilder<unknown>;
  /** Triggers that write a table which follows from another one. */
  readonly followers: { readonly standingKeys: readonly RawBuilder<unknown>[] };
}

export const sqliteTypes: ColumnTypes = {
  text: 'text',
  integer: 'integer',
  bytes: 'blob',
  counter: sql`integer primary key autoincrement`,
  altersInPlace: false,
  tableSuffix: sql`strict`,
  followers: { standingKeys: sqliteStandingKeys },
};

export const postgresTypes: ColumnTypes = {
  // The collation of the database may be that of a language, which also changes with its version.
  text: sql`text collate "C"`,
  integer: 'bigint',
  bytes: 'bytea',
  counter: sql`bigint generated always as identity primary key`,
  altersInPlace: true,
  tableSuffix: sql``,
  followers: { standingKeys: postgresStandingKeys },
};

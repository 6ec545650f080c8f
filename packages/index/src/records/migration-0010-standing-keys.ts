import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/**
 * Which projects a key signs for: `standings.keys` the other way round, so that an account learns of its projects without a look at those
 * of all others. The database keeps it beside `standings`, whoever writes there: an import of offline metadata, a recovery, a copy.
 */
export async function standingKeys(db: Kysely<unknown>, { text, tableSuffix, followers }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('standing_keys')
    .ifNotExists()
    .addColumn('keyid', text, (c) => c.notNull())
    .addColumn('project', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('standing_keys_primary', ['keyid', 'project'])
    .modifyEnd(tableSuffix)
    .execute();
  await db.schema.createIndex('standing_keys_project').ifNotExists().on('standing_keys').column('project').execute();
  for (const statement of followers.standingKeys) await statement.execute(db);
  // What is there is written once more, and so its keys are noted. SQLite's migrations may be broken off, and begun again.
  await sql`update standings set keys = keys where keys is not null`.execute(db);
}

const deleted = 'delete from standing_keys where project = old.project';

/** As triggers of SQLite. A row that is replaced has its keys taken away first, so none is there twice. */
export const sqliteStandingKeys: readonly RawBuilder<unknown>[] = [
  `create trigger if not exists standing_keys_added after insert on standings begin ${inserted('json_each(new.keys)')}; end`,
  `create trigger if not exists standing_keys_changed after update on standings begin ${deleted}; ${inserted('json_each(new.keys)')}; end`,
  `create trigger if not exists standing_keys_removed after delete on standings begin ${deleted}; end`,
].map((statement) => sql.raw(statement));

/** PostgreSQL reads no JSON with a null character in it, and nothing that developers chose may stop the index. A keyid is a SHA-256. */
const KEYIDS = `(select distinct (regexp_matches(new.keys, '"([0-9a-f]{64})":', 'g'))[1] as key) as keys`;

/** As triggers of PostgreSQL, with a function behind them. */
export const postgresStandingKeys: readonly RawBuilder<unknown>[] = [
  `create function follow_standing_keys() returns trigger language plpgsql as $$ begin
    if tg_op <> 'INSERT' then ${deleted}; end if;
    if tg_op <> 'DELETE' then ${inserted(KEYIDS)}; end if;
    return null; end $$`,
  'create trigger standing_keys_followed after insert or update or delete on standings for each row execute function follow_standing_keys()',
].map((statement) => sql.raw(statement));

/** `keys` makes a table with a column `key`. */
function inserted(keys: string): string {
  return `insert into standing_keys (keyid, project) select key, new.project from ${keys}`;
}

import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** Who signs, where several processes could: one row. What its columns mean: `lease.ts`. */
export async function signingLease(db: Kysely<unknown>, { text, integer, tableSuffix }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('signing')
    .addColumn('id', integer, (c) => c.primaryKey().notNull())
    .addColumn('term', integer, (c) => c.notNull())
    .addColumn('beat', integer, (c) => c.notNull())
    .addColumn('holder', text)
    .modifyEnd(tableSuffix)
    .execute();
  await sql`insert into signing (id, term, beat, holder) values (1, 0, 0, null)`.execute(db);
}

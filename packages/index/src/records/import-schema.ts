import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from './column-types.ts';

/** What an import, and a publication of more roles than fit into memory, keep so that they can go on after a crash. */
export async function importSchema(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, counter, tableSuffix } = types;
  // Where the bytes are while they are not in the object store: an address; one that ends in a slash goes before the
  // filename; empty when nobody knows. Null: they were stored here.
  await db.schema.alterTable('files').addColumn('location', text).execute();
  // Rows that wait for their first publication are found without looking at all others.
  await db.schema
    .createIndex('files_imported')
    .on('files')
    .column('bin')
    .where(sql.ref('state'), '=', 'imported')
    .execute();

  // How far an import got; the row is gone when it is done.
  await db.schema
    .createTable('imports')
    .addColumn('source', text, (c) => c.primaryKey().notNull())
    .addColumn('cursor', text, (c) => c.notNull())
    .addColumn('updated_at', integer, (c) => c.notNull())
    .modifyEnd(tableSuffix)
    .execute();

  // The mass publication under way; there is at most one.
  await db.schema
    .createTable('mass_publications')
    .addColumn('id', counter)
    .addColumn('begun_at', integer, (c) => c.notNull())
    // 1: every role of the bin tree; 0: those with imported files.
    .addColumn('everything', integer, (c) => c.notNull())
    // Root and targets that come with it.
    .addColumn('root', bytes)
    .addColumn('targets', bytes)
    // Roles whose range begins before this bin are in the object store, and in `prepared` for publication 0.
    .addColumn('next_bin', integer, (c) => c.notNull())
    // Times that it was begun or continued: each writes other version numbers, so that none ever shows two contents.
    .addColumn('attempt', integer, (c) => c.notNull())
    // Its publication, once all its roles are recorded there.
    .addColumn('publication', integer)
    .modifyEnd(tableSuffix)
    .execute();
}

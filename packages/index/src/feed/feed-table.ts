import type { CreateTableBuilder, Kysely } from 'kysely';
import type { ColumnTypes } from '../records/column-types.ts';
import type { Records } from '../records/records.ts';

/** How far the change feed is. One row, with the id 1; none before the feed has begun. */
export interface FeedTable {
  id: number;
  /** The timestamp version with which it begins. */
  begins: number;
  /** All chunks that end up to this version are merged. */
  merged: number;
}

export async function createFeedTable(db: Kysely<unknown>, { integer, tableSuffix }: ColumnTypes): Promise<void> {
  const columns: CreateTableBuilder<string, string> = db.schema
    .createTable('feed')
    .addColumn('id', integer, (c) => c.primaryKey().notNull())
    .addColumn('begins', integer, (c) => c.notNull())
    .addColumn('merged', integer, (c) => c.notNull());
  await columns.modifyEnd(tableSuffix).execute();
}

type FeedProgress = Pick<FeedTable, 'begins' | 'merged'>;

export async function feedProgress(records: Records): Promise<FeedProgress | undefined> {
  return records.read.selectFrom('feed').select(['begins', 'merged']).executeTakeFirst();
}

/** The feed begins with this version: nothing before it counts any more. */
export async function noteBeginning(records: Records, begins: number): Promise<void> {
  const progress = { begins, merged: begins - 1 };
  await records.write((db) =>
    db
      .insertInto('feed')
      .values({ id: 1, ...progress })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(progress))
      .execute(),
  );
}

export async function noteMerged(records: Records, { begins, merged }: FeedProgress): Promise<void> {
  await records.write((db) => db.updateTable('feed').set({ merged }).where('begins', '=', begins).execute());
}

/** The feed that began with this version is damaged: it begins anew with the next publication. */
export async function forgetFeed(records: Records, begins: number): Promise<void> {
  await records.write((db) => db.deleteFrom('feed').where('begins', '=', begins).execute());
}

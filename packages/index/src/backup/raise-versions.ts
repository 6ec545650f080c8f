import { IS_OURS } from '../records/our-roles.ts';
import type { SqliteRecords } from '../records/sqlite-records.ts';

/**
 * Makes records that were brought back go on beyond every version that anybody may have seen (TUF 1.0.34 §5.4.3, §5.5.5): a
 * role takes part in a publication at most once, so a jump of more than the publications that were lost is enough for every
 * role. What was prepared and not published counts as never signed. Everything is due, so it is signed anew, under versions after the jump,
 * before the index is served.
 * @returns the timestamp version after which it goes on
 */
export async function raiseVersions(records: SqliteRecords, jump: number, seen: number, now: Date): Promise<number> {
  return records.write(async (db) => {
    const newest = await db.selectFrom('publications').select('id').orderBy('id', 'desc').executeTakeFirst();
    const timestamp = await db.selectFrom('roles').select('version').where('role', '=', 'timestamp').executeTakeFirst();
    const id = Math.max(newest?.id ?? 0, timestamp?.version ?? 0, seen) + jump;
    const raise = id - (timestamp?.version ?? 0);
    const unfinished = db.selectFrom('publications').select('id').where('published_at', 'is', null);
    for (const table of ['changes', 'transactions'] as const)
      await db.updateTable(table).set({ publication: null }).where('publication', 'in', unfinished).execute();
    // An offer under way may rest on what is lost; its holders have it still. An import begins to be signed anew.
    await db
      .deleteFrom('mass_publications')
      .where((where) => where.or([where('root', 'is not', null), where('targets', 'is not', null)]))
      .execute();
    await db.updateTable('mass_publications').set({ next_bin: 0, publication: null }).execute();
    await db.deleteFrom('offered_roles').execute();
    await db.deleteFrom('offered_standings').execute();
    await db.deleteFrom('prepared').execute();
    await db.deleteFrom('publications').where('published_at', 'is', null).execute();
    await db
      .updateTable('roles')
      .set(({ eb }) => ({ version: eb('version', '+', raise), expires_at: 0 }))
      .where((where) => where.or([where('role', 'in', ['timestamp', 'snapshot']), IS_OURS]))
      .execute();
    const at = now.getTime();
    await db
      .insertInto('publications')
      .values({ id, snapshot: 0, lists: id, prepared_at: at, published_at: at })
      .execute();
    await db.deleteFrom('feed').execute(); // It begins anew: followers see a gap, and begin anew too.
    return id;
  });
}

import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';

/** Projects that the account is a member of, or whose own role names one of its keys; sorted. Keys that projects delegate to do not count. */
export async function projectsOf(db: Kysely<Database>, account: string): Promise<readonly string[]> {
  const [members, keys] = await Promise.all([
    db.selectFrom('members').select('project').where('account', '=', account).execute(),
    db
      .selectFrom('account_keys')
      .select('keyid')
      .where('account', '=', account)
      .where('removed_at', 'is', null)
      .execute(),
  ]);
  const named = await Promise.all(
    keys.map(({ keyid }) =>
      db.selectFrom('standings').select('project').where('keys', 'like', `%"${keyid}"%`).execute(),
    ),
  );
  return [...new Set([...members, ...named.flat()].map(({ project }) => project))].sort();
}

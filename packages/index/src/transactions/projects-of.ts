import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { Database } from '../records/schema.ts';

/** Projects that the account is a member of, or whose own role names one of its keys; sorted. Keys that projects delegate to do not count. */
export async function projectsOf(db: Kysely<Database>, account: string): Promise<readonly string[]> {
  const [members, signed] = await Promise.all([
    db.selectFrom('members').select('project').where('account', '=', account).execute(),
    signedBy(db, account).execute(),
  ]);
  return [...new Set([...members, ...signed].map(({ project }) => project))].sort();
}

/** Projects whose own role names a key that the account has. It costs as much as there are. */
export function signedBy(
  db: Kysely<Database>,
  account: string,
): SelectQueryBuilder<Database, 'account_keys' | 'standing_keys', { project: string }> {
  return db
    .selectFrom('account_keys')
    .innerJoin('standing_keys', 'standing_keys.keyid', 'account_keys.keyid')
    .select('standing_keys.project')
    .where('account', '=', account)
    .where('removed_at', 'is', null);
}

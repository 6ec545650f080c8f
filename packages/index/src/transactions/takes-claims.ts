import { RECENTLY_CLAIMED } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';

/** Whether an index of these records takes claims: the role that they go into is published. */
export async function takesClaims(db: Pick<Kysely<Database>, 'selectFrom'>): Promise<boolean> {
  const row = await db
    .selectFrom('roles')
    .select('role')
    .where('role', '=', RECENTLY_CLAIMED)
    .where('retired', '=', 0)
    .executeTakeFirst();
  return row !== undefined;
}

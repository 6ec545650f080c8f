import type { ProjectName } from '@holdfast/python-index';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { keyHolders } from '../transactions/key-holders.ts';
import type { Identity } from './accounts.ts';

/**
 * What somebody is to a project: a member of it; a holder of a key that its roles name; or who may create it, because it is not there.
 */
export type Part = 'member' | 'key-holder' | 'creator';

/** What whoever holds this token is to the project; `undefined`: nothing. A token for one project is good for no other, and creates none. */
export async function partIn(
  db: Kysely<Database>,
  identity: Identity,
  project: ProjectName,
): Promise<Part | undefined> {
  if (identity.project !== undefined && identity.project !== project) return undefined;
  const row = await db
    .selectFrom('projects')
    .leftJoin('members', (join) =>
      join.onRef('members.project', '=', 'projects.name').on('members.account', '=', identity.account),
    )
    .select('members.account')
    .where('name', '=', project)
    .executeTakeFirst();
  if (!row) return identity.project === undefined ? 'creator' : undefined;
  if (row.account !== null) return 'member';
  return (await keyHolders(db, project)).has(identity.account) ? 'key-holder' : undefined;
}

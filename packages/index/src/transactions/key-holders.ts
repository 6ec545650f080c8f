import type { Kysely } from 'kysely';
import { registeredKeys } from '../accounts/account-keys.ts';
import { keysOf } from '../publish/standing-rows.ts';
import type { Database } from '../records/schema.ts';
import { delegatedKeyids, loadProjectRoles } from './project-roles.ts';
import { claimOf } from './transaction-rows.ts';

/**
 * Accounts that hold a key which the project's roles name, or a claim of it that waits for signatures. They may bring files and signatures
 * as its members may: a friend who builds the wheels, a build service. None of it is shown before enough keys have signed.
 */
export async function keyHolders(db: Kysely<Database>, project: string): Promise<ReadonlySet<string>> {
  const registered = await registeredKeys(db, await keyidsOf(db, project));
  return new Set(Array.from(registered.values()).flatMap(({ accounts }) => [...accounts]));
}

async function keyidsOf(db: Kysely<Database>, project: string): Promise<string[]> {
  const [standing, waiting] = await Promise.all([
    db.selectFrom('standings').select(['role', 'keys']).where('project', '=', project).executeTakeFirst(),
    db
      .selectFrom('transactions')
      .select('claim')
      .where('project', '=', project)
      .where('state', 'in', ['waiting', 'queued'])
      .where('claim', 'is not', null)
      .execute(),
  ]);
  const roles = standing?.role ? await loadProjectRoles(db, standing.role) : new Map<string, Uint8Array>();
  return [
    ...(standing?.keys ? keysOf(standing.keys).keys() : []),
    ...delegatedKeyids(roles.values()),
    ...waiting.flatMap(({ claim }) => (claim === null ? [] : [...claimOf(claim).keys.keys()])),
  ];
}

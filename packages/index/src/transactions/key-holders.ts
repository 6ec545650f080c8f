import type { ProjectName } from '@holdfast/python-index';
import { targetPath } from '@holdfast/trust';
import { parseRotation, parseTargets, PathPattern } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import { registeredKeys } from '../accounts/account-keys.ts';
import { keysOf } from '../publish/standing-rows.ts';
import type { Database } from '../records/schema.ts';
import { loadProjectRoles } from './project-roles.ts';
import { claimOf } from './transaction-rows.ts';
import { loadWaiting } from './waiting.ts';

/** Keys that may sign for the files of a project which match a pattern of each delegation on the way to them. */
interface Grant {
  readonly keyids: readonly string[];
  /** From the outside in; empty: for all of the project's files. */
  readonly way: readonly (readonly PathPattern[])[];
}

/**
 * Accounts that hold a key which the project's roles name, or a claim or a rotation of it that waits for signatures. They may bring
 * signatures as its members may, and the files that their key may sign for: a friend who builds the wheels, a build service. None of it
 * is shown before enough keys have signed.
 */
export async function keyHolders(db: Kysely<Database>, project: string): Promise<ReadonlySet<string>> {
  const [grants, next] = await Promise.all([grantsOf(db, project), nextKeyids(db, project)]);
  const registered = await registeredKeys(db, [...grants.flatMap(({ keyids }) => keyids), ...next]);
  return new Set(Array.from(registered.values()).flatMap(({ accounts }) => [...accounts]));
}

/** Which files of a project an account may bring that is no member, for the keys that it holds. */
export async function bringersOf(
  db: Kysely<Database>,
  project: ProjectName,
): Promise<(account: string, filename: string) => boolean> {
  const grants = await grantsOf(db, project);
  const registered = await registeredKeys(
    db,
    grants.flatMap(({ keyids }) => keyids),
  );
  return (account, filename) => {
    const path = targetPath(project, filename);
    return grants.some(
      ({ keyids, way }) =>
        keyids.some((keyid) => registered.get(keyid)?.accounts.has(account)) &&
        way.every((patterns) => patterns.some((pattern) => pattern.matches(path))),
    );
  };
}

async function grantsOf(db: Kysely<Database>, project: string): Promise<readonly Grant[]> {
  const [standing, claims] = await Promise.all([
    db.selectFrom('standings').select(['role', 'keys']).where('project', '=', project).executeTakeFirst(),
    db
      .selectFrom('transactions')
      .select('claim')
      .where('project', '=', project)
      .where('state', 'in', ['waiting', 'queued'])
      .where('claim', 'is not', null)
      .execute(),
  ]);
  const own = [
    ...(standing?.keys ? keysOf(standing.keys).keys() : []),
    ...claims.flatMap(({ claim }) => (claim === null ? [] : [...claimOf(claim).keys.keys()])),
  ];
  const whole = { keyids: own, way: [] };
  if (!standing?.role) return [whole];
  return [whole, ...grantsBelow(await loadProjectRoles(db, standing.role), standing.role, [])];
}

/** What a role delegates, and what those that it delegates to do. Each one's name begins with that of the one above it. */
function grantsBelow(roles: ReadonlyMap<string, Uint8Array>, role: string, above: Grant['way']): readonly Grant[] {
  const bytes = roles.get(role);
  if (!bytes) return [];
  return (parseTargets(bytes).signed.delegations?.roles ?? []).flatMap(({ name, keyids, paths = [] }) => {
    const way = [...above, paths.map((pattern) => new PathPattern(pattern))];
    return [{ keyids, way }, ...grantsBelow(roles, name, way)];
  });
}

/** Keys that will count once the present ones have signed for them: theirs may be the signature that is missing. */
async function nextKeyids(db: Kysely<Database>, project: string): Promise<readonly string[]> {
  const waiting = await loadWaiting(db, project);
  return waiting.flatMap(({ transaction: { rotation } }) =>
    rotation ? [...parseRotation(rotation).signed.keys.keys()] : [],
  );
}

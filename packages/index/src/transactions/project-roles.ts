import { parseTargets } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';

/** Delegations go this deep below a project's own role, and no role is met twice. */
const DEEPEST = 4;

/**
 * The published metadata of a project's role and of all that it leads to, by name. What it leads to and nobody signed yet is not among
 * them.
 */
export async function loadProjectRoles(db: Kysely<Database>, role: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const roles = new Map<string, Uint8Array>();
  let wanted = [role];
  for (let depth = 0; wanted.length > 0 && depth < DEEPEST; depth++) {
    const rows = await db.selectFrom('offline_roles').select(['role', 'bytes']).where('role', 'in', wanted).execute();
    for (const row of rows) roles.set(row.role, row.bytes);
    wanted = rows.flatMap(({ bytes }) => delegatedBy(bytes)).filter((name) => !roles.has(name));
  }
  return roles;
}

function delegatedBy(bytes: Uint8Array): string[] {
  return (parseTargets(bytes).signed.delegations?.roles ?? []).map(({ name }) => name);
}

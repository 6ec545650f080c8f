import type { ProjectName } from '@holdfast/python-index';
import { parseProjectRole, parseRotationRole, projectRole } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { isRotationOf } from './role-names.ts';

/**
 * The role that a claim of a project gives its developers, when it was claimed before and is not any more: rotate files stay listed for
 * ever, and who follows those of an earlier role would refuse new keys under its name.
 * @param versions of the project's roles, also of those that nothing leads to any more
 */
export async function roleToClaim(
  db: Kysely<Database>,
  project: ProjectName,
  versions: ReadonlyMap<string, number>,
): Promise<string> {
  const rotated = await rotatedRoles(db, project);
  const generations = [...versions.keys(), ...rotated].map((role) => parseProjectRole(role)?.generation ?? 1);
  const last = generations.reduce((most, generation) => Math.max(most, generation), 1);
  return projectRole(project, rotated.has(projectRole(project, last)) ? last + 1 : last);
}

/** Roles of the project that have rotate files. */
async function rotatedRoles(db: Kysely<Database>, project: ProjectName): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('roles')
    .select('role')
    .where((where) => isRotationOf(where, project))
    .execute();
  return new Set(rows.flatMap(({ role }) => parseRotationRole(role)?.role ?? []));
}

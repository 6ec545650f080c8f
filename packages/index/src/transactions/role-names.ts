import type { ProjectName } from '@holdfast/python-index';
import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from 'kysely';
import type { Database } from '../records/schema.ts';

type Where = ExpressionBuilder<Database, 'roles'>;
type Condition = ExpressionWrapper<Database, 'roles', SqlBool>;

/** Rows of the roles of a project, also of those that nothing leads to any more. */
export function isRoleOf(where: Where, project: ProjectName): Condition {
  const own = `project.${project}`;
  return where.or([where('role', '=', own), goesOn(where, own)]);
}

/** Rows of the rotate files of a project's roles. */
export function isRotationOf(where: Where, project: ProjectName): Condition {
  return goesOn(where, `rotate/project.${project}`);
}

/** Names go on with a dot, and `/` comes after it. */
function goesOn(where: Where, name: string): Condition {
  return where.and([where('role', '>', `${name}.`), where('role', '<', `${name}/`)]);
}

import type { ProjectName } from '@holdfast/python-index';
import { entryBytes, projectBin } from '@holdfast/trust';
import type { Transaction } from 'kysely';
import { binNumber } from '../publish/file-rows.ts';
import type { Database } from '../records/schema.ts';
import { noRoom } from './refusals.ts';
import { isRoleOf, isRotationOf } from './role-names.ts';

/**
 * Bytes that the roles of projects may take in one cell of the snapshot tree. Every lookup of a project in that bin carries them, and a
 * cell holds 65 535 in all: whoever chooses names that fall together must not make lookups long, or the tree impossible.
 */
export const MOST_CELL_BYTES = 16_384;

/**
 * That the roles of a transaction fit beside those of all projects in the same bin, published or on their way.
 * @param added its roles and rotate entries, by the names that the tree has for them
 * @throws HttpError
 */
export async function assertRoom(
  db: Transaction<Database>,
  project: ProjectName,
  added: Iterable<string>,
): Promise<void> {
  const names = new Set(added);
  for (const name of await queuedNames(db, projectBin(project))) names.add(name);
  for (const other of await projectsIn(db, projectBin(project))) {
    for (const name of await publishedNames(db, other)) names.add(name);
  }
  let bytes = 0;
  for (const name of names) bytes += entryBytes(name);
  if (bytes > MOST_CELL_BYTES) throw noRoom(project);
}

async function projectsIn(db: Transaction<Database>, bin: string): Promise<readonly ProjectName[]> {
  const rows = await db.selectFrom('standings').select('project').where('bin', '=', binNumber(bin)).execute();
  return rows.map(({ project }) => project as ProjectName);
}

/** Also of roles that were retired: they come back under the same names. */
async function publishedNames(db: Transaction<Database>, project: ProjectName): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('roles')
    .select('role')
    .where((where) => where.or([isRoleOf(where, project), isRotationOf(where, project)]))
    .execute();
  return rows.map(({ role }) => role);
}

async function queuedNames(db: Transaction<Database>, bin: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('transactions')
    .innerJoin('transaction_roles', 'transaction_roles.transaction_id', 'transactions.id')
    .select(['transactions.project', 'transaction_roles.role'])
    .where('transactions.state', '=', 'queued')
    .execute();
  return rows.flatMap(({ project, role }) => (projectBin(project as ProjectName) === bin ? [role] : []));
}

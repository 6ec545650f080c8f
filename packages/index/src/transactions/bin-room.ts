import type { ProjectName } from '@holdfast/python-index';
import { projectBin } from '@holdfast/trust';
import type { Transaction } from 'kysely';
import { binNumber } from '../publish/file-rows.ts';
import type { Database } from '../records/schema.ts';
import { noRoom } from './refusals.ts';

/**
 * Bytes that the roles of projects may take in one cell of the snapshot tree. Every lookup of a project in that bin carries them, and a
 * cell holds 65 535 in all: whoever chooses names that fall together must not make lookups long, or the tree impossible.
 */
export const MOST_CELL_BYTES = 16_384;
/** Of an entry, beside its name: docs/formats/snapshot-tree.md. */
const ENTRY_BYTES = 49;

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
  for (const name of names) bytes += ENTRY_BYTES + Buffer.byteLength(name);
  if (bytes > MOST_CELL_BYTES) throw noRoom(project);
}

async function projectsIn(db: Transaction<Database>, bin: string): Promise<readonly string[]> {
  const rows = await db.selectFrom('standings').select('project').where('bin', '=', binNumber(bin)).execute();
  return rows.map(({ project }) => project);
}

/** Also of roles that were retired: they come back under the same names. */
async function publishedNames(db: Transaction<Database>, project: string): Promise<readonly string[]> {
  const own = `project.${project}`;
  const rows = await db
    .selectFrom('roles')
    .select('role')
    .where((where) =>
      where.or([
        where('role', '=', own),
        // Names go on with a dot, and `/` comes after it.
        where.and([where('role', '>', `${own}.`), where('role', '<', `${own}/`)]),
        where.and([where('role', '>', `rotate/${own}.`), where('role', '<', `rotate/${own}/`)]),
      ]),
    )
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

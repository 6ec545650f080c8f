import type { ProjectName } from '@holdfast/python-index';
import { type Distribution, projectOf } from '@holdfast/trust';
import { sql, type Transaction } from 'kysely';
import { VersionTakenError } from '../errors.ts';
import type { StandingRow } from '../publish/standing-rows.ts';
import type { Database } from '../records/schema.ts';
import { ON_ITS_WAY } from './on-its-way.ts';
import { isRoleOf } from './role-names.ts';
import { takesClaims } from './takes-claims.ts';

/** What a transaction was checked against. */
export interface TransactionBase {
  /** As in the records; undefined for a project that is unclaimed. */
  readonly standing: StandingRow | undefined;
  /** Published versions of the project's roles, by name; those that nothing leads to any more may be among them. */
  readonly versions: ReadonlyMap<string, number>;
}

/**
 * That a project is what it was when a transaction of it was checked, and that nothing is on its way that will change it.
 * @throws VersionTakenError
 */
export async function assertUnmoved(
  db: Transaction<Database>,
  project: ProjectName,
  { standing, versions }: TransactionBase,
  { claim, files }: { readonly claim: unknown; readonly files: ReadonlyMap<string, Distribution> },
): Promise<void> {
  const moved = (what: string): never => {
    throw new VersionTakenError(project, what);
  };
  const now = await db.selectFrom('standings').selectAll().where('project', '=', project).executeTakeFirst();
  if (!isSame(standing, now)) moved('its keys changed');
  if (claim && !now && !(await takesClaims(db))) moved('the index does not take claims any more');
  if (await isOffered(db, project, claim !== undefined)) moved('an offline signing is being published');
  if (await isQueued(db, project)) moved('another transaction of it is being published');
  if (await filesWait(db, project)) moved('files of it are being published');
  const published = await versionsOf(db, project);
  for (const role of new Set([...versions.keys(), ...published.keys()]))
    if (versions.get(role) !== published.get(role)) moved(`${role} has another version`);
  await assertFiles(db, project, files, moved);
}

/** Key by key: drivers differ in what kind of object a row is. */
function isSame(a: StandingRow | undefined, b: StandingRow | undefined): boolean {
  if (!a || !b) return a === b;
  const fields = ['standing', 'role', 'keys', 'threshold', 'rotations', 'generation', 'revoked_at'] as const;
  return fields.every((field) => a[field] === b[field]);
}

/** What holders of offline keys signed puts the project elsewhere, or may change what claims go into. */
async function isOffered(db: Transaction<Database>, project: string, claims: boolean): Promise<boolean> {
  const { rows } = await sql`select 1 from mass_publications where exists (
      select 1 from offered_standings where project = ${project})
    or (${sql.lit(claims ? 1 : 0)} = 1 and targets is not null)`.execute(db);
  return rows.length > 0;
}

async function isQueued(db: Transaction<Database>, project: string): Promise<boolean> {
  const row = await db
    .selectFrom('transactions')
    .select('id')
    .where('project', '=', project)
    .where('state', '=', 'queued')
    .executeTakeFirst();
  return row !== undefined;
}

/** Also while their publication is not complete. */
async function filesWait(db: Transaction<Database>, project: string): Promise<boolean> {
  const { rows } = await sql`select 1 from changes join files on files.filename = changes.filename
    where files.project = ${project} and ${ON_ITS_WAY} limit 1`.execute(db);
  return rows.length > 0;
}

/** Published versions of a project's roles, as {@link TransactionBase} wants them. */
export async function versionsOf(
  db: Pick<Transaction<Database>, 'selectFrom'>,
  project: ProjectName,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('roles')
    .select(['role', 'version'])
    .where((where) => isRoleOf(where, project))
    .execute();
  return new Map(rows.filter(({ role }) => projectOf(role) === project).map(({ role, version }) => [role, version]));
}

/** A file that it lists may have been dropped, or deleted, since. */
async function assertFiles(
  db: Transaction<Database>,
  project: string,
  files: ReadonlyMap<string, Distribution>,
  moved: (what: string) => never,
): Promise<void> {
  const rows = await db
    .selectFrom('files')
    .select(['filename', 'sha256'])
    .where('project', '=', project)
    .where('state', 'in', ['published', 'staged'])
    .execute();
  const there = new Map(rows.map(({ filename, sha256 }) => [filename, sha256]));
  for (const { filename, sha256 } of files.values())
    if (there.get(filename) !== sha256) moved(`${filename} is not there any more`);
}

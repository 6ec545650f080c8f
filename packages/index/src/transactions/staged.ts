import type { ProjectName } from '@holdfast/python-index';
import { sql, type Transaction } from 'kysely';
import type { Identity } from '../accounts/accounts.ts';
import { partIn } from '../accounts/membership.ts';
import { NotYourProjectError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { type FileRow, objectKeyOf } from '../publish/file-rows.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { ON_ITS_WAY } from './on-its-way.ts';
import { notStaged, notYourFile, versionTaken } from './refusals.ts';

/** What is staged for a project that nobody claims is dropped after this time, in milliseconds. */
export const UNCLAIMED_MS: number = 7 * 86_400_000;
/** Staged files that one call drops at most. */
const BATCH = 50;

interface Stores {
  readonly records: Records;
  readonly objects: Pick<ObjectStore, 'delete'>;
}

/**
 * Takes a staged file away; its name is free again, unless it was published before. Members of the project may, and who brought it.
 * @throws HttpError, NotYourProjectError
 */
export async function discardStaged(
  { records, objects }: Stores,
  identity: Identity,
  project: ProjectName,
  filename: string,
): Promise<void> {
  await records.write(async (db) => {
    const part = await partIn(db, identity, project);
    if (part !== 'member' && part !== 'key-holder') throw new NotYourProjectError(project, identity.account);
    const row = await stagedFile(db, project, filename);
    if (!row) throw notStaged(project, filename);
    if (part !== 'member' && row.account !== identity.account) throw notYourFile(filename);
    if (await isOnItsWay(db, filename)) throw versionTaken(project);
    await drop(db, objects, row);
  });
}

/**
 * Takes a staged file away whose name a member of its project needs for other content, if somebody brought it who is no member: a
 * holder of a delegated key cannot keep a name from the project. Not while a transaction publishes it, nor if it was published once.
 * @returns whether the name is free now
 */
export async function giveWay(
  { records, objects }: Stores,
  identity: Identity,
  project: ProjectName,
  filename: string,
): Promise<boolean> {
  return await records.write(async (db) => {
    if ((await partIn(db, identity, project)) !== 'member') return false;
    const row = await stagedFile(db, project, filename);
    if (!row || (await partIn(db, { account: row.account }, project)) === 'member') return false;
    if ((await isOnItsWay(db, filename)) || (await wasPublished(db, row))) return false;
    await drop(db, objects, row);
    return true;
  });
}

/**
 * Drops files that were staged before a claim that did not come, and the projects that they reserved: what is older than
 * {@link UNCLAIMED_MS}. Each call does some of it.
 * @returns how many files and projects were dropped; 0: nothing is left to do
 */
export async function dropAbandoned({ records, objects }: Stores, now: Date): Promise<number> {
  const before = now.getTime() - UNCLAIMED_MS;
  const found = await abandonedFiles(records.read, before).execute();
  const reserved = await emptyProjects(records.read, before).execute();
  if (found.length === 0 && reserved.length === 0) return 0;
  return await records.write(async (db) => {
    const files = await abandonedFiles(db, before).execute();
    let dropped = 0;
    for (const row of files) {
      if (await isOnItsWay(db, row.filename)) continue;
      await drop(db, objects, row);
      dropped++;
    }
    const projects = await emptyProjects(db, before).execute();
    for (const { name } of projects) {
      await db.deleteFrom('members').where('project', '=', name).execute();
      await db.deleteFrom('projects').where('name', '=', name).execute();
    }
    return dropped + projects.length;
  });
}

/** Staged files of projects that nobody answers for, or is about to. */
function abandonedFiles(db: Pick<Transaction<Database>, 'selectFrom'>, before: number) {
  return db
    .selectFrom('files')
    .selectAll()
    .where(sql<boolean>`state = 'staged'`)
    .where('uploaded_at', '<', before)
    .where((where) =>
      where.not(
        where.exists(where.selectFrom('standings').select('project').whereRef('project', '=', 'files.project')),
      ),
    )
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('transactions')
            .select('id')
            .whereRef('project', '=', 'files.project')
            .where(sql<boolean>`state <> 'published'`),
        ),
      ),
    )
    .limit(BATCH);
}

/** Projects that were reserved, and never had anything. */
function emptyProjects(db: Pick<Transaction<Database>, 'selectFrom'>, before: number) {
  return db
    .selectFrom('projects')
    .select('name')
    .where('created_at', '<', before)
    .where(sql<boolean>`bytes = 0`)
    .where((where) =>
      where.not(where.exists(where.selectFrom('files').select('filename').whereRef('project', '=', 'projects.name'))),
    )
    .where((where) =>
      where.not(
        where.exists(where.selectFrom('standings').select('project').whereRef('project', '=', 'projects.name')),
      ),
    )
    .where((where) =>
      where.not(where.exists(where.selectFrom('transactions').select('id').whereRef('project', '=', 'projects.name'))),
    )
    .limit(BATCH);
}

/** A transaction that is in the queue publishes it. */
async function isOnItsWay(db: Transaction<Database>, filename: string): Promise<boolean> {
  const { rows } = await sql`select 1 from changes where filename = ${filename} and ${ON_ITS_WAY} limit 1`.execute(db);
  return rows.length > 0;
}

/** Before its project was revoked. An import leaves no change of a file. */
async function wasPublished(db: Transaction<Database>, row: FileRow): Promise<boolean> {
  const [change, revocation] = await Promise.all([
    db.selectFrom('changes').select('id').where('filename', '=', row.filename).limit(1).executeTakeFirst(),
    db
      .selectFrom('evidence')
      .select('id')
      .where('project', '=', row.project)
      .where('kind', '=', 'revocation')
      .where('at', '>=', row.uploaded_at)
      .limit(1)
      .executeTakeFirst(),
  ]);
  return change !== undefined || revocation !== undefined;
}

/**
 * The object goes first, while nobody else can write a row: whoever brings the same bytes meanwhile either has them stored after this, or
 * is told when they are to be published. What was published once keeps its name.
 */
async function drop(db: Transaction<Database>, objects: Stores['objects'], row: FileRow): Promise<void> {
  const { filename, project, size } = row;
  await objects.delete(objectKeyOf(row));
  await objects.delete(`${objectKeyOf(row)}.metadata`);
  if (await wasPublished(db, row))
    await db.updateTable('files').set({ state: 'deleted' }).where('filename', '=', filename).execute();
  else await db.deleteFrom('files').where('filename', '=', filename).execute();
  await db
    .updateTable('projects')
    .set(({ eb }) => ({ bytes: eb('bytes', '-', size) }))
    .where('name', '=', project)
    .execute();
}

function stagedFile(db: Transaction<Database>, project: ProjectName, filename: string): Promise<FileRow | undefined> {
  return db
    .selectFrom('files')
    .selectAll()
    .where('filename', '=', filename)
    .where('project', '=', project)
    .where('state', '=', 'staged')
    .executeTakeFirst();
}

import { projectBin } from '@holdfast/trust';
import type { Insertable, Transaction } from 'kysely';
import { AccountUnknownError, FilenameTakenError, NotYourProjectError, ProjectFullError } from '../errors.ts';
import type { Database, FilesTable } from '../records/schema.ts';
import { binNumber } from './file-rows.ts';
import type { NewFile } from './new-file.ts';

/** What became of a file at intake: it waits as the change `id`, it is there already, or it is refused. */
export type Taken =
  | { readonly state: 'queued'; readonly change: number; readonly isNew: boolean }
  | { readonly state: 'published' }
  | { readonly state: 'refused'; readonly error: Error };

interface Project {
  bytes: number;
  readonly members: Set<string>;
  /** The upload that creates it; none when it was there before. */
  readonly first?: NewFile;
}

/**
 * Puts many uploads into the queue in one transaction, so that they share one fsync. Each is judged by itself, in the
 * order in which they came: a refused one changes nothing. What is read stays true until the commit, also where several
 * processes take in: one transaction writes at a time (decision 9), so none loses what another added to a project.
 */
export async function takeIn(db: Transaction<Database>, files: readonly NewFile[], now: Date): Promise<Taken[]> {
  // Here and below: a connection runs what it is given in that order, so nothing is gained by waiting for each answer.
  const [projects, known, accounts] = await Promise.all([
    loadProjects(db, files),
    loadFiles(db, files),
    loadAccounts(db, files),
  ]);
  const fresh: Insertable<FilesTable>[] = [];
  /** An import that was not finished brought their rows. */
  const adopted: Insertable<FilesTable>[] = [];
  const taken: (Taken | { state: 'new'; filename: string } | { state: 'same'; filename: string })[] = [];
  for (const file of files) {
    const before = known.get(file.filename);
    const refusal =
      (accounts.has(file.account) ? undefined : new AccountUnknownError(file.account)) ??
      mayPublish(file, projects.get(file.project)) ??
      (before && sameBytes(file, before));
    if (refusal) {
      taken.push({ state: 'refused', error: refusal });
    } else if (before?.state === 'imported') {
      adopted.push({ ...before, state: 'queued' });
      known.set(file.filename, { ...before, state: 'queued' });
      taken.push({ state: 'new', filename: file.filename });
    } else if (before) {
      taken.push(before.state === 'published' ? { state: 'published' } : { state: 'same', filename: file.filename });
    } else {
      if ((projects.get(file.project)?.bytes ?? 0) + file.size > file.limits.projectBytes) {
        taken.push({ state: 'refused', error: new ProjectFullError(file.project, file.limits.projectBytes) });
        continue;
      }
      const project = projects.get(file.project) ?? newProject(file);
      projects.set(file.project, project);
      project.bytes += file.size;
      const row = rowOf(file);
      known.set(file.filename, row);
      fresh.push(row);
      taken.push({ state: 'new', filename: file.filename });
    }
  }
  const changes = await insert(db, { fresh, adopted }, projects, now);
  const waiting = await changesOf(
    db,
    taken.flatMap((each) => (each.state === 'same' ? [each.filename] : [])),
  );
  return taken.map((each) => {
    if (each.state === 'new') return { state: 'queued', change: changes.get(each.filename) ?? 0, isNew: true };
    if (each.state !== 'same') return each;
    const change = changes.get(each.filename) ?? waiting.get(each.filename);
    return change === undefined ? { state: 'published' } : { state: 'queued', change, isNew: false };
  });
}

function mayPublish(file: NewFile, project: Project | undefined): Error | undefined {
  const { tokenProject } = file;
  const allowed =
    (tokenProject === undefined || tokenProject === file.project) &&
    (project === undefined ? tokenProject === undefined : project.members.has(file.account));
  return allowed ? undefined : new NotYourProjectError(file.project, file.account);
}

function sameBytes(file: NewFile, before: Insertable<FilesTable>): Error | undefined {
  const same = before.sha256 === file.sha256 && before.project === file.project && before.state !== 'deleted';
  return same ? undefined : new FilenameTakenError(file.filename);
}

async function loadProjects(db: Transaction<Database>, files: readonly NewFile[]): Promise<Map<string, Project>> {
  const names = [...new Set(files.map(({ project }) => project))];
  const [rows, members] = await Promise.all([
    db.selectFrom('projects').select(['name', 'bytes']).where('name', 'in', names).execute(),
    db.selectFrom('members').select(['project', 'account']).where('project', 'in', names).execute(),
  ]);
  const projects = new Map<string, Project>(rows.map(({ name, bytes }) => [name, { bytes, members: new Set() }]));
  for (const { project, account } of members) projects.get(project)?.members.add(account);
  return projects;
}

/** Those of the uploaders that exist: a row that names another one would break the transaction for all. */
async function loadAccounts(db: Transaction<Database>, files: readonly NewFile[]): Promise<Set<string>> {
  const names = [...new Set(files.map(({ account }) => account))];
  const rows = await db.selectFrom('accounts').select('name').where('name', 'in', names).execute();
  return new Set(rows.map(({ name }) => name));
}

async function loadFiles(
  db: Transaction<Database>,
  files: readonly NewFile[],
): Promise<Map<string, Insertable<FilesTable>>> {
  const names = [...new Set(files.map(({ filename }) => filename))];
  const rows = await db.selectFrom('files').selectAll().where('filename', 'in', names).execute();
  return new Map(rows.map((row) => [row.filename, row]));
}

/** Whoever publishes first owns the project. */
function newProject(file: NewFile): Project {
  return { bytes: 0, members: new Set([file.account]), first: file };
}

function rowOf(file: NewFile): Insertable<FilesTable> {
  return {
    filename: file.filename,
    project: file.project,
    bin: binNumber(projectBin(file.project)),
    version: file.version,
    kind: file.kind,
    size: file.size,
    sha256: file.sha256,
    metadata_sha256: file.coreMetadata?.sha256 ?? null,
    metadata_size: file.coreMetadata?.size ?? null,
    requires_python: file.requiresPython ?? null,
    yanked: null,
    uploaded_at: file.uploadTime.getTime(),
    account: file.account,
    state: 'queued',
    location: null,
  };
}

async function insert(
  db: Transaction<Database>,
  { fresh, adopted }: Record<'fresh' | 'adopted', readonly Insertable<FilesTable>[]>,
  projects: ReadonlyMap<string, Project>,
  now: Date,
): Promise<ReadonlyMap<string, number>> {
  if (fresh.length === 0 && adopted.length === 0) return new Map();
  const changes = [...fresh, ...adopted].map(({ filename, account }) => ({
    kind: 'add' as const,
    filename,
    reason: null,
    account,
    recorded_at: now.getTime(),
    publication: null,
  }));
  const [, , , inserted] = await Promise.all([
    fresh.length > 0 && recordProjects(db, new Map(fresh.map((row) => [row.project, row])), projects, now),
    fresh.length > 0 &&
      db
        .insertInto('files')
        .values([...fresh])
        .execute(),
    adopted.length > 0 &&
      db
        .updateTable('files')
        .set({ state: 'queued' })
        .where(
          'filename',
          'in',
          adopted.map(({ filename }) => filename),
        )
        .execute(),
    db.insertInto('changes').values(changes).returning(['id', 'filename']).execute(),
  ]);
  return new Map(inserted.map(({ id, filename }) => [filename ?? '', id]));
}

/** Makes the projects that are new, and writes down how large each one is now: one statement, whatever their number. */
async function recordProjects(
  db: Transaction<Database>,
  touched: ReadonlyMap<string, Insertable<FilesTable>>,
  projects: ReadonlyMap<string, Project>,
  now: Date,
): Promise<void> {
  const at = now.getTime();
  const rows = Array.from(touched, ([name, { account }]) => {
    const { bytes, first } = projects.get(name) ?? { bytes: 0 };
    return { name, display_name: first?.displayName ?? name, created_at: at, created_by: account, bytes };
  });
  const owners = rows.filter(({ name }) => projects.get(name)?.first !== undefined);
  await Promise.all([
    db
      .insertInto('projects')
      .values(rows)
      .onConflict((conflict) => conflict.column('name').doUpdateSet((row) => ({ bytes: row.ref('excluded.bytes') })))
      .execute(),
    owners.length > 0 &&
      db
        .insertInto('members')
        .values(owners.map(({ name, created_by }) => ({ project: name, account: created_by, added_at: at })))
        .execute(),
  ]);
}

/** The change that adds each of the files that wait from before. */
async function changesOf(
  db: Transaction<Database>,
  filenames: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (filenames.length === 0) return new Map();
  const rows = await db
    .selectFrom('changes')
    .select(['id', 'filename'])
    .where('filename', 'in', [...filenames])
    .where('kind', '=', 'add')
    .execute();
  return new Map(rows.map(({ id, filename }) => [filename ?? '', id]));
}

import { projectBin } from '@holdfast/trust';
import type { Insertable, Transaction } from 'kysely';
import { AccountUnknownError, FilenameTakenError, NotYourProjectError, ProjectFullError } from '../errors.ts';
import type { Database, FilesTable } from '../records/schema.ts';
import { binNumber } from './file-rows.ts';
import { type IntakeProject, loadIntakeProjects } from './intake-projects.ts';
import type { NewFile, WaitsFor } from './new-file.ts';

/** What became of a file at intake: it waits as the change `id`, it waits for others than the index, it is there already, or it is refused. */
export type Taken =
  | { readonly state: 'queued'; readonly change: number; readonly isNew: boolean }
  | { readonly state: 'staged'; readonly waitsFor: WaitsFor }
  | { readonly state: 'published' }
  | { readonly state: 'refused'; readonly error: Error };

/**
 * Puts many uploads into the queue in one transaction, so that they share one fsync. Each is judged by itself, in the
 * order in which they came: a refused one changes nothing. What is read stays true until the commit, also where several
 * processes take in: one transaction writes at a time (decision 9), so none loses what another added to a project.
 */
export async function takeIn(db: Transaction<Database>, files: readonly NewFile[], now: Date): Promise<Taken[]> {
  // Here and below: a connection runs what it is given in that order, so nothing is gained by waiting for each answer.
  const [projects, known, accounts] = await Promise.all([
    loadIntakeProjects(db, files),
    loadFiles(db, files),
    loadAccounts(db, files),
  ]);
  const intake: Intake = { projects, known, accounts, fresh: [], adopted: [], returning: [] };
  const judged = files.map((file) => judge(intake, file));
  const changes = await insert(db, intake, now);
  const waiting = await changesOf(
    db,
    judged.flatMap((each) => (each.state === 'same' ? [each.filename] : [])),
  );
  return judged.map((each): Taken => {
    if (each.state !== 'new' && each.state !== 'same') return each;
    const change = changes.get(each.filename) ?? waiting.get(each.filename);
    return change === undefined ? { state: 'published' } : { state: 'queued', change, isNew: each.state === 'new' };
  });
}

type Judged =
  | Exclude<Taken, { state: 'queued' }>
  | { readonly state: 'new'; readonly filename: string }
  | { readonly state: 'same'; readonly filename: string };

/** What is there, and what the files that were judged before add to it. */
interface Intake {
  readonly projects: Map<string, IntakeProject>;
  readonly known: Map<string, Insertable<FilesTable>>;
  readonly accounts: ReadonlySet<string>;
  readonly fresh: Insertable<FilesTable>[];
  /** Those whose rows were there: an import that was not finished brought them, or they were staged for a claim that did not come. */
  readonly adopted: Insertable<FilesTable>[];
  /** Those that an offline signing which is being published brings back with their project: they stay staged until then. */
  readonly returning: Insertable<FilesTable>[];
}

function judge(intake: Intake, file: NewFile): Judged {
  const { projects, known, accounts } = intake;
  const before = known.get(file.filename);
  const refusal =
    (accounts.has(file.account) ? undefined : new AccountUnknownError(file.account)) ??
    mayPublish(file, projects.get(file.project)) ??
    (before && sameBytes(file, before));
  if (refusal) return { state: 'refused', error: refusal };
  const waitsFor = waitsForWhat(file, projects.get(file.project));
  if (before && before.state !== 'imported' && before.state !== 'staged')
    return before.state === 'published' ? { state: 'published' } : { state: 'same', filename: file.filename };
  if (before?.state === 'staged' && !waitsFor && projects.get(file.project)?.comesBack) {
    intake.returning.push(before);
    return { state: 'new', filename: file.filename };
  }
  const row = { ...(before ?? rowOf(file)), state: waitsFor ? ('staged' as const) : ('queued' as const) };
  if (!before) {
    const full = addToProject(projects, file);
    if (full) return { state: 'refused', error: full };
    intake.fresh.push(row);
  } else if (before.state !== row.state) {
    intake.adopted.push(row);
  }
  known.set(file.filename, row);
  return waitsFor ? { state: 'staged', waitsFor } : { state: 'new', filename: file.filename };
}

/** @returns why it has no room */
function addToProject(projects: Map<string, IntakeProject>, file: NewFile): Error | undefined {
  const project = projects.get(file.project) ?? newProject(file);
  const { projectBytes } = file.limits;
  if (project.bytes + file.size > projectBytes) return new ProjectFullError(file.project, projectBytes);
  projects.set(file.project, project);
  project.bytes += file.size;
  return undefined;
}

/** Nothing: the index signs for it. */
function waitsForWhat({ stage }: NewFile, project: IntakeProject | undefined): WaitsFor | undefined {
  if (project?.standing === undefined) return stage === true ? 'claim' : undefined;
  return project.standing === 'rarely-updated' ? 'offline-signing' : 'signature';
}

function mayPublish(file: NewFile, project: IntakeProject | undefined): Error | undefined {
  const { tokenProject, account, filename } = file;
  const allowed =
    (tokenProject === undefined || tokenProject === file.project) &&
    (project === undefined
      ? tokenProject === undefined
      : project.members.has(account) || project.mayBring?.(account, filename) === true);
  return allowed ? undefined : new NotYourProjectError(file.project, file.account);
}

function sameBytes(file: NewFile, before: Insertable<FilesTable>): Error | undefined {
  const same = before.sha256 === file.sha256 && before.project === file.project && before.state !== 'deleted';
  return same
    ? undefined
    : new FilenameTakenError(file.filename, before.state === 'staged' ? before.project : undefined);
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
function newProject(file: NewFile): IntakeProject {
  return { bytes: 0, members: new Set([file.account]), standing: undefined, comesBack: false, first: file };
}

function rowOf(file: NewFile): Omit<Insertable<FilesTable>, 'state'> {
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
    location: null,
  };
}

async function insert(
  db: Transaction<Database>,
  { fresh, adopted, returning, projects }: Intake,
  now: Date,
): Promise<ReadonlyMap<string, number>> {
  const queued = [...fresh, ...adopted].filter(({ state }) => state === 'queued');
  const changes = [...queued, ...returning].map(({ filename, account }) => ({
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
    Promise.all((['queued', 'staged'] as const).map((state) => adopt(db, adopted, state))),
    changes.length > 0 ? db.insertInto('changes').values(changes).returning(['id', 'filename']).execute() : [],
  ]);
  return new Map(inserted.map(({ id, filename }) => [filename ?? '', id]));
}

async function adopt(
  db: Transaction<Database>,
  adopted: readonly Insertable<FilesTable>[],
  state: 'queued' | 'staged',
): Promise<void> {
  const names = adopted.filter((row) => row.state === state).map(({ filename }) => filename);
  if (names.length > 0) await db.updateTable('files').set({ state }).where('filename', 'in', names).execute();
}

/** Makes the projects that are new, and writes down how large each one is now: one statement, whatever their number. */
async function recordProjects(
  db: Transaction<Database>,
  touched: ReadonlyMap<string, Insertable<FilesTable>>,
  projects: ReadonlyMap<string, IntakeProject>,
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

import { hash } from 'node:crypto';
import { normalizeName, parseFilenameOf } from '@holdfast/python-index';
import { projectBin } from '@holdfast/trust';
import type { Insertable, Transaction } from 'kysely';
import { chunks } from '../publish/chunks.ts';
import { binNumber } from '../publish/file-rows.ts';
import type { Database, FilesTable } from '../records/schema.ts';
import type { ProjectReport } from './compare.ts';
import type { KeptFile } from './kept-files.ts';
import { NOBODY } from './nobody.ts';
import type { SignedFile, Worktable } from './worktable.ts';

type Write = Transaction<Database>;

const ROWS = 200;

export interface Applied {
  readonly table: Worktable;
  /** Every project, as `plannedProjects` has it. */
  readonly projects: AsyncIterable<ProjectReport>;
  readonly kept: ReadonlyMap<string, KeptFile>;
  readonly now: Date;
}

/** Makes the files of each project what its report says. */
export async function putFiles(db: Write, options: Applied): Promise<void> {
  for await (const { project, before, after, files } of options.projects) {
    if (options.table.signedProject(project)) await putSigned(db, options, project);
    else if (after === 'unclaimed') {
      for (const { filename, before: was, after: will } of files) {
        const file = was === undefined && will !== undefined ? options.kept.get(filename) : undefined;
        if (file) await putKept(db, options, file);
      }
      // The bins of `unclaimed` do not hold what others answered for.
      if (before !== 'unclaimed' && before !== 'none') await queueAgain(db, options, project);
    }
  }
}

/** Exactly these are published of the project. What waits goes on waiting; so does what developers revoked. */
async function putSigned(db: Write, options: Applied, project: string): Promise<void> {
  const { table } = options;
  await db
    .updateTable('files')
    .set({ state: table.signedProject(project)?.revoked === 1 ? 'staged' : 'deleted' })
    .where('project', '=', project)
    .where('state', 'in', ['published', 'queued', 'imported'])
    .execute();
  for (const group of chunks(table.signedFiles(project), ROWS)) {
    await ensureProject(db, options, project);
    await db
      .insertInto('files')
      .values(group.map((file) => rowOf(file, table.saidFile(file.filename)?.['account'])))
      .onConflict((conflict) =>
        conflict
          .column('filename')
          .doUpdateSet((eb) => ({
            version: eb.ref('excluded.version'),
            kind: eb.ref('excluded.kind'),
            size: eb.ref('excluded.size'),
            sha256: eb.ref('excluded.sha256'),
            metadata_sha256: eb.ref('excluded.metadata_sha256'),
            metadata_size: eb.ref('excluded.metadata_size'),
            requires_python: eb.ref('excluded.requires_python'),
            yanked: eb.ref('excluded.yanked'),
            uploaded_at: eb.ref('excluded.uploaded_at'),
            state: eb.ref('excluded.state'),
          }))
          // Names of old sdists may be read as those of two projects; who has the name keeps it.
          .where('files.project', '=', project),
      )
      .execute();
  }
}

/** As developers signed it; who brought it is only what the index says. */
function rowOf(file: SignedFile, account: unknown): Insertable<FilesTable> {
  const project = normalizeName(file.project);
  const { version, kind } = parseFilenameOf(project, file.filename);
  const bin = binNumber(projectBin(project));
  const who = typeof account === 'string' ? account : NOBODY;
  return { ...file, bin, version, kind, account: who, location: null, state: 'published' };
}

/** What the operators checked goes the way of an upload. */
async function putKept(db: Write, options: Applied, file: KeptFile): Promise<void> {
  const { project, filename, metadata } = file;
  await ensureProject(db, options, project, file);
  const row = {
    project,
    bin: binNumber(projectBin(project)),
    version: file.version,
    kind: file.kind,
    size: file.size,
    sha256: file.sha256,
    metadata_sha256: metadata ? hash('sha256', metadata) : null,
    metadata_size: metadata?.length ?? null,
    requires_python: file.requiresPython ?? null,
    yanked: null,
    uploaded_at: file.uploadedAt ?? options.now.getTime(),
    account: file.account ?? NOBODY,
    location: null,
    state: 'queued' as const,
  };
  await db
    .insertInto('files')
    .values({ filename, ...row })
    .onConflict((conflict) => conflict.column('filename').doUpdateSet(row))
    .execute();
  await queue(db, options, [filename]);
}

async function queueAgain(db: Write, options: Applied, project: string): Promise<void> {
  const rows = await db
    .updateTable('files')
    .set({ state: 'queued' })
    .where('project', '=', project)
    .where('state', '=', 'published')
    .returning('filename')
    .execute();
  for (const some of chunks(rows, ROWS))
    await queue(
      db,
      options,
      some.map(({ filename }) => filename),
    );
}

async function queue(db: Write, { now }: Applied, filenames: readonly string[]): Promise<void> {
  const common = { kind: 'add' as const, reason: null, account: NOBODY, recorded_at: now.getTime() };
  await db
    .insertInto('changes')
    .values(filenames.map((filename) => ({ ...common, filename, publication: null, transaction_id: null })))
    .execute();
}

/** A project of which the good state knows nothing belongs to who brought its file, if the good state knows that account. */
async function ensureProject(db: Write, { now }: Applied, project: string, kept?: KeptFile): Promise<void> {
  const [name, created_at] = [project, now.getTime()];
  const made = await db
    .insertInto('projects')
    .values({ name, display_name: kept?.displayName ?? name, created_at, created_by: NOBODY, bytes: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('name')
    .executeTakeFirst();
  if (!made || kept?.account === undefined) return;
  const known = await db.selectFrom('accounts').select('name').where('name', '=', kept.account).executeTakeFirst();
  if (known) await db.insertInto('members').values({ project, account: known.name, added_at: created_at }).execute();
}

import type { Kysely } from 'kysely';
import { DamagedIndexError } from '../errors.ts';
import type { Database } from '../records/schema.ts';
import type { SaidFile } from './compare.ts';
import type { NamedProject } from './merge-projects.ts';

/** Rows that are read at once. */
const PAGE = 1_000;

/**
 * Every project of records that has a standing, or files that are published or about to be, in the order of their names. Pages by key:
 * O(n) time, and memory for one page and one project, whatever the number of files.
 */
export async function* readProjects(db: Kysely<Database>): AsyncGenerator<NamedProject, void> {
  const [listed, standings] = [projectsWithFiles(db), projectsWithStanding(db)];
  let [files, standing] = [await listed.next(), await standings.next()];
  while (files.done !== true || standing.done !== true) {
    const [a, b] = [files.value ?? undefined, standing.value ?? undefined];
    if (a && (!b || a.project <= b.project)) {
      const own = b?.project === a.project ? b : undefined;
      yield { ...a, standing: own?.standing ?? 'unclaimed' };
      files = await listed.next();
      if (own) standing = await standings.next();
    } else if (b) {
      yield { ...b, files: new Map() };
      standing = await standings.next();
    }
  }
}

async function* projectsWithFiles(db: Kysely<Database>): AsyncGenerator<Omit<NamedProject, 'standing'>, void> {
  let current: { readonly project: string; readonly files: Map<string, SaidFile> } | undefined;
  for await (const { project, filename, ...file } of fileRows(db)) {
    if (current?.project !== project) {
      if (current) yield current;
      current = { project, files: new Map() };
    }
    const { sha256, yanked, account, uploaded_at } = file;
    current.files.set(filename, { sha256, yanked, account, uploadedAt: uploaded_at });
  }
  if (current) yield current;
}

async function* fileRows(db: Kysely<Database>) {
  for (let after = { project: '', filename: '' }; ; ) {
    const { project, filename } = after;
    const rows = await db
      .selectFrom('files')
      .select(['project', 'filename', 'sha256', 'yanked', 'account', 'uploaded_at'])
      .where('state', 'in', ['published', 'queued', 'imported'])
      // So the index of projects serves it, and of one with many files the page goes on in its middle.
      .where('project', '>=', project)
      .where((where) => where.or([where('project', '>', project), where('filename', '>', filename)]))
      .orderBy('project')
      .orderBy('filename')
      .limit(PAGE)
      .execute();
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    // Names that a thief wrote may come back otherwise than they are compared, and then it would never end.
    if (last.project <= project && last.filename <= filename)
      throw new DamagedIndexError('records', 'files are not in the order of their names');
    after = last;
  }
}

async function* projectsWithStanding(db: Kysely<Database>) {
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('standings')
      .select(['project', 'standing'])
      .where('project', '>', after)
      .orderBy('project')
      .limit(PAGE)
      .execute();
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.project;
  }
}

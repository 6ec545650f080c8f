import { normalizeName } from '@holdfast/python-index';
import { type QuietFact, RARELY_UPDATED } from '@holdfast/trust';
import { type Kysely, sql } from 'kysely';
import { distributionOf, type FileRow } from '../publish/file-rows.ts';
import type { Database } from '../records/schema.ts';
import type { LeavingFact, QuietPolicy } from './facts.ts';

type Read = Kysely<Database>;

/** Projects that are read together. */
const PAGE = 200;

/** Nothing of the project waits to be published. */
const NOTHING_WAITS = sql<boolean>`not exists (
  select 1 from changes c join files w on w.filename = c.filename where w.project = files.project and c.publication is null)
  and not exists (select 1 from files w where w.project = files.project and w.state in ('staged', 'queued', 'imported'))
  and not exists (select 1 from transactions t where t.project = files.project and t.state <> 'published')`;
const NOBODY_ANSWERS = sql<boolean>`not exists (select 1 from standings s where s.project = files.project)
  and not exists (select 1 from claims_waiting w where w.project = files.project)`;

/** Projects that the policy calls quiet, with their published files. */
export async function* readQuiet(db: Read, policy: QuietPolicy): AsyncGenerator<QuietFact> {
  for (let after = ''; ; ) {
    const names = await quietAfter(db, policy, after);
    const last = names.at(-1);
    if (last === undefined) return;
    yield* await quietFacts(
      db,
      names.filter((name) => policy.only?.has(name) ?? true),
      ['published'],
    );
    after = last;
  }
}

async function quietAfter(db: Read, { before, leastFiles }: QuietPolicy, after: string): Promise<string[]> {
  const rows = await db
    .selectFrom('files')
    .select('project')
    .where('state', '=', 'published')
    .where('project', '>', after)
    .where(NOBODY_ANSWERS)
    .where(NOTHING_WAITS)
    .groupBy('project')
    .having((eb) => eb.fn.max('uploaded_at'), '<', before.getTime())
    .having((eb) => eb.fn.countAll<number>(), '>=', leastFiles)
    .orderBy('project')
    .limit(PAGE)
    .execute();
  return rows.map(({ project }) => project);
}

async function quietFacts(
  db: Read,
  names: readonly string[],
  states: readonly ('published' | 'staged')[],
): Promise<QuietFact[]> {
  if (names.length === 0) return [];
  const rows = await db
    .selectFrom('files')
    .selectAll()
    .where('project', 'in', names)
    .where('state', 'in', states)
    .orderBy('project')
    .orderBy('filename')
    .execute();
  return names.flatMap((name) => quietFact(rows.filter(({ project }) => project === name)));
}

function quietFact(rows: readonly FileRow[]): QuietFact[] {
  const [first] = rows;
  if (!first) return [];
  const lastUpload = new Date(rows.reduce((newest, { uploaded_at }) => Math.max(newest, uploaded_at), 0));
  return [{ project: normalizeName(first.project), files: rows.map(distributionOf), lastUpload }];
}

/** Rarely updated projects with files that wait, and how many. */
async function withStaged(db: Read): Promise<readonly { project: string; files: number }[]> {
  const rows = await db
    .selectFrom('files')
    .innerJoin('standings', 'standings.project', 'files.project')
    .select(['files.project', (eb) => eb.fn.countAll<number>().as('count')])
    .where('standings.standing', '=', RARELY_UPDATED)
    .where('files.state', '=', 'staged')
    .groupBy('files.project')
    .orderBy('files.project')
    .execute();
  return rows.map(({ project, count }) => ({ project, files: count }));
}

/** Projects that are not quiet any more: they have new files. */
export async function* readLeaving(db: Read): AsyncGenerator<LeavingFact> {
  for (const { project, files } of await withStaged(db))
    yield { project: normalizeName(project), reason: `${files} new ${files === 1 ? 'file waits' : 'files wait'}` };
}

/** The same projects with all that they have, for operators who list new files instead. */
export async function* readUpdated(db: Read): AsyncGenerator<QuietFact> {
  const names = (await withStaged(db)).map(({ project }) => project);
  for (let at = 0; at < names.length; at += PAGE)
    yield* await quietFacts(db, names.slice(at, at + PAGE), ['published', 'staged']);
}

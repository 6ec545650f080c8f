import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  binRange,
  CLAIMED,
  type Distribution,
  decodeTarget,
  InvalidTargetError,
  parseTargetPath,
  type ProjectDelegation,
  RARELY_UPDATED,
  RECENTLY_CLAIMED,
  type SecurityModel,
  topsOf,
} from '@holdfast/trust';
import { type Kysely, sql } from 'kysely';
import { MetadataRefusedError } from '../../errors.ts';
import type { Standing } from '../../records/claims-schema.ts';
import type { Database } from '../../records/schema.ts';
import { binNumber } from '../file-rows.ts';
import type { StandingRow } from '../standing-rows.ts';
import type { ChangedRange } from './whole-trees.ts';

/** What the leaves of an offer say of a project. */
export interface ProjectMove {
  readonly project: ProjectName;
  readonly before: StandingRow | undefined;
  /** Undefined for one that left the offline trees. */
  readonly next:
    | { readonly standing: typeof CLAIMED; readonly delegation: ProjectDelegation }
    | { readonly standing: typeof RARELY_UPDATED; readonly files: ReadonlyMap<string, Distribution> }
    | undefined;
}

/** Rows that are read at once. */
const PAGE = 1_000;

/**
 * Every project that the offer says something of: those in its leaves, those that stood in the ranges that these cover, and those
 * whose tree the model has no more.
 * @throws MetadataRefusedError when two trees claim the same project
 */
export async function projectMoves(
  db: Kysely<Database>,
  ranges: readonly ChangedRange[],
  model: SecurityModel,
): Promise<readonly ProjectMove[]> {
  const next = new Map<ProjectName, NonNullable<ProjectMove['next']>>();
  for (const { leaf } of ranges)
    for (const [project, said] of leaf ? saidBy(leaf) : []) {
      if (next.has(project)) throw new MetadataRefusedError(project, 'it stands in two trees');
      next.set(project, said);
    }
  const before = new Map<ProjectName, StandingRow>();
  for (const { top, prefix } of ranges) await addRows(before, standing(db, top, prefix));
  if (!topsOf(model).includes(RECENTLY_CLAIMED)) await addRows(before, standing(db, RECENTLY_CLAIMED, ''));
  await addNamed(db, before, next.keys());
  for (const [project, row] of before) checkLeft(project, row, next.get(project), ranges);
  const names = new Set([...before.keys(), ...next.keys()]);
  return Array.from(names, (project) => ({ project, before: before.get(project), next: next.get(project) }));
}

function* saidBy(
  leaf: NonNullable<ChangedRange['leaf']>,
): Generator<readonly [ProjectName, NonNullable<ProjectMove['next']>], void> {
  if ('projects' in leaf) {
    for (const [project, delegation] of leaf.projects) yield [project, { standing: CLAIMED, delegation }];
    return;
  }
  const files = new Map<ProjectName, Map<string, Distribution>>();
  for (const [path, file] of leaf.targets) {
    const project = parseTargetPath(path)?.project ?? normalizeName('');
    const own = files.get(project) ?? new Map<string, Distribution>();
    const said = decode(path, file);
    files.set(project, own.set(said.filename, said));
  }
  for (const [project, own] of files) yield [project, { standing: RARELY_UPDATED, files: own }];
}

function decode(path: string, file: Parameters<typeof decodeTarget>[1]): Distribution {
  try {
    return decodeTarget(path, file);
  } catch (error) {
    if (!(error instanceof InvalidTargetError)) throw error;
    throw new MetadataRefusedError(RARELY_UPDATED, error.message, { cause: error });
  }
}

async function* standing(db: Kysely<Database>, top: Standing, prefix: string): AsyncGenerator<StandingRow[], void> {
  const { first, last } = binRange(prefix);
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('standings')
      .selectAll()
      .where(sql<boolean>`bin between ${binNumber(first)} and ${binNumber(last)}`)
      .where('standing', '=', top)
      .where('project', '>', after)
      .orderBy('project')
      .limit(PAGE)
      .execute();
    yield rows;
    after = rows.at(-1)?.project ?? '';
    if (rows.length < PAGE) return;
  }
}

async function addRows(to: Map<ProjectName, StandingRow>, pages: AsyncIterable<StandingRow[]>): Promise<void> {
  for await (const rows of pages) for (const row of rows) to.set(normalizeName(row.project), row);
}

async function addNamed(
  db: Kysely<Database>,
  to: Map<ProjectName, StandingRow>,
  names: Iterable<ProjectName>,
): Promise<void> {
  const missing = [...names].filter((name) => !to.has(name));
  for (let at = 0; at < missing.length; at += PAGE) {
    const some = missing.slice(at, at + PAGE);
    const rows = await db.selectFrom('standings').selectAll().where('project', 'in', some).execute();
    for (const row of rows) to.set(normalizeName(row.project), row);
  }
}

/** A project that comes into one offline tree has to leave the other. */
function checkLeft(
  project: ProjectName,
  { standing: old, bin }: StandingRow,
  next: ProjectMove['next'],
  ranges: readonly ChangedRange[],
): void {
  if (next === undefined || old === RECENTLY_CLAIMED || old === next.standing) return;
  const covered = ranges.some(({ top, prefix }) => {
    const { first, last } = binRange(prefix);
    return top === old && bin >= binNumber(first) && bin <= binNumber(last);
  });
  if (!covered) throw new MetadataRefusedError(project, `it stands in ${old} as well`);
}

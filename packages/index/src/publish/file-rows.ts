import { type ProjectName, normalizeName } from '@holdfast/python-index';
import { BIN_DIGITS, binRange, consistentTargetPath, type Distribution, targetPath } from '@holdfast/trust';
import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { Database, FilesTable, FileState } from '../records/schema.ts';

export type FileRow = Selectable<FilesTable>;

/** What of a row a target says: much less than all, where millions are read. */
export const LISTED = [
  'project',
  'filename',
  'sha256',
  'size',
  'uploaded_at',
  'requires_python',
  'yanked',
  'metadata_sha256',
  'metadata_size',
] as const satisfies readonly (keyof FileRow)[];
export type ListedRow = Pick<FileRow, (typeof LISTED)[number]>;

/** Bins are numbers in the records: every database orders numbers alike, and texts by its own collation. */
export const binNumber = (bin: string): number => Number.parseInt(bin, 16);
export const binDigits = (bin: number): string => bin.toString(16).padStart(BIN_DIGITS, '0');

/**
 * Files of projects that nobody answers for but the index: as it will be once the offer that is being published is in force, if there
 * is one. Files that waited for such a project to be signed for come back with it.
 */
const IS_UNCLAIMED = sql<boolean>`coalesce(
  (select standing from offered_standings o where o.project = files.project),
  (select standing from standings s where s.project = files.project), 'unclaimed') = 'unclaimed'`;
const COMES_BACK = sql<boolean>`state = 'staged' and exists (
  select 1 from offered_standings o where o.project = files.project and o.standing = 'unclaimed') and exists (
  select 1 from changes c where c.filename = files.filename and c.publication = 0 and c.offered = 1)`;

export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The bins that begin with `prefix`. */
export function rangeOf(prefix: string): Range {
  const { first, last } = binRange(prefix);
  return { first: binNumber(first), last: binNumber(last) };
}

/** The files of a range of bins that `unclaimed` lists, or will with those in these states. */
export function unclaimedFiles(
  db: Kysely<Database>,
  { first, last }: Range,
  states: readonly FileState[],
): SelectQueryBuilder<Database, 'files', unknown> {
  // Written out, so that the index of imported files serves what asks for these alone.
  const listed = states.map((state) => sql.lit(state));
  const inState =
    listed.length === 1 ? sql<boolean>`state = ${listed[0]}` : sql<boolean>`state in (${sql.join(listed)})`;
  return db
    .selectFrom('files')
    .where(sql<boolean>`bin between ${first} and ${last}`)
    .where((where) => (states.includes('published') ? where.or([inState, COMES_BACK]) : inState))
    .where(IS_UNCLAIMED) as SelectQueryBuilder<Database, 'files', unknown>;
}

/**
 * What `unclaimed` lists of the bins that begin with `prefix`, at most `limit` files. Its cost is that of the role, whatever the
 * size of the index.
 */
export function unclaimedInRange(
  db: Kysely<Database>,
  prefix: string,
  {
    states = ['published'],
    without = [],
    limit,
  }: { states?: readonly FileState[]; without?: readonly string[]; limit?: number | undefined } = {},
): Promise<FileRow[]> {
  return unclaimedFiles(db, rangeOf(prefix), states)
    .selectAll()
    .$if(without.length > 0, (query) => query.where('project', 'not in', without))
    .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
    .execute();
}

export function distributionOf(row: ListedRow): Distribution {
  return {
    project: projectOf(row),
    filename: row.filename,
    sha256: row.sha256,
    size: row.size,
    uploadTime: new Date(row.uploaded_at),
    ...(row.requires_python !== null && { requiresPython: row.requires_python }),
    ...(row.yanked !== null && { yanked: row.yanked === '' ? (true as const) : row.yanked }),
    ...(row.metadata_sha256 !== null &&
      row.metadata_size !== null && { coreMetadata: { sha256: row.metadata_sha256, size: row.metadata_size } }),
  };
}

/** Where the distribution's bytes are. */
export function objectKeyOf(row: Pick<FileRow, 'project' | 'filename' | 'sha256'>): string {
  return `targets/${consistentTargetPath(targetPath(projectOf(row), row.filename), row.sha256)}`;
}

const projectOf = (row: Pick<FileRow, 'project'>): ProjectName => normalizeName(row.project);

import { type ProjectName, normalizeName } from '@holdfast/python-index';
import { BIN_DIGITS, binRange, consistentTargetPath, type Distribution, targetPath } from '@holdfast/trust';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database, FilesTable, FileState } from '../records/schema.ts';

export type FileRow = Selectable<FilesTable>;

/** Bins are numbers in the records: every database orders numbers alike, and texts by its own collation. */
export const binNumber = (bin: string): number => Number.parseInt(bin, 16);
export const binDigits = (bin: number): string => bin.toString(16).padStart(BIN_DIGITS, '0');

/**
 * What is published of the bins that begin with `prefix`, at most `limit` files. Its cost is that of the role, whatever the
 * size of the index.
 */
export function publishedInRange(
  db: Kysely<Database>,
  prefix: string,
  states: readonly FileState[] = ['published'],
  limit?: number,
): Promise<FileRow[]> {
  const { first, last } = binRange(prefix);
  return db
    .selectFrom('files')
    .selectAll()
    .where(sql<boolean>`bin between ${binNumber(first)} and ${binNumber(last)}`)
    .where('state', 'in', states)
    .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
    .execute();
}

export function distributionOf(row: FileRow): Distribution {
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

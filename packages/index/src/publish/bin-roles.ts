import { type BinRole, binRoleName, encodeTarget, type TargetPath, UNCLAIMED } from '@holdfast/trust';
import type { TargetFile } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { distributionOf, type FileRow, publishedInRange } from './file-rows.ts';
import type { Outcome } from './outcomes.ts';

/** A file that a batch touches, with what becomes of it. */
export interface ChangedFile {
  readonly row: FileRow;
  readonly outcome: Outcome;
}

/** A change that was recorded while the deletion was being published comes too late: what is deleted stays so. */
export const isGone = ({ row, outcome }: ChangedFile): boolean => outcome.deleted || row.state === 'deleted';

/**
 * What the bins that begin with `prefix` hold once these changes are published: a pure function of the published rows in that
 * range and of the changes.
 * @returns `undefined` when that is more than `most` files; their number is not looked for
 */
export async function targetsAfter(
  db: Kysely<Database>,
  prefix: string,
  changed: readonly ChangedFile[],
  most?: number,
): Promise<ReadonlyMap<TargetPath, TargetFile> | undefined> {
  const limit = most === undefined ? undefined : most + changed.filter(isGone).length + 1;
  const rows = new Map<string, FileRow>();
  for (const row of await publishedInRange(db, prefix, ['published'], limit)) rows.set(row.filename, row);
  if (rows.size === limit) return undefined;
  for (const change of changed) {
    const { row, outcome } = change;
    if (isGone(change)) rows.delete(row.filename);
    else rows.set(row.filename, outcome.yanked === undefined ? row : { ...row, yanked: outcome.yanked });
  }
  if (most !== undefined && rows.size > most) return undefined;
  const targets = new Map<TargetPath, TargetFile>();
  for (const row of rows.values()) {
    const { path, file } = encodeTarget(distributionOf(row));
    targets.set(path, file);
  }
  return targets;
}

/** What a branch says about the keys of its children. */
export type { TreeKeys as Delegation } from '@holdfast/trust';

export const roleName = (prefix: string): string => binRoleName(UNCLAIMED, prefix);
export const roleOf = (bin: BinRole): string => roleName(bin.prefix);

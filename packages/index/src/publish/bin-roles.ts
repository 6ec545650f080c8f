import {
  type BinRole,
  binRoleName,
  branchDelegations,
  encodeTarget,
  planLeaf,
  type TargetPath,
  UNCLAIMED,
} from '@holdfast/trust';
import { type JsonObject, type TargetFile, targetsJson } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { distributionOf, type FileRow, publishedInRange } from './file-rows.ts';
import type { Outcome } from './outcomes.ts';
import type { SigningKeys } from './signing-keys.ts';

/** A file that a batch touches, with what becomes of it. */
export interface ChangedFile {
  readonly row: FileRow;
  readonly outcome: Outcome;
}

/**
 * What a leaf of the bin tree becomes: a pure function of the published rows in its range and of the changes. More than
 * one role when it outgrows its size.
 */
export async function planChangedLeaf(
  db: Kysely<Database>,
  prefix: string,
  changed: readonly ChangedFile[],
): Promise<BinRole[]> {
  const rows = new Map<string, FileRow>();
  for (const row of await publishedInRange(db, prefix)) rows.set(row.filename, row);
  for (const { row, outcome } of changed) {
    // A change that was recorded while the deletion was being published comes too late: what is deleted stays so.
    if (outcome.deleted || row.state === 'deleted') rows.delete(row.filename);
    else rows.set(row.filename, outcome.yanked === undefined ? row : { ...row, yanked: outcome.yanked });
  }
  const targets = new Map<TargetPath, TargetFile>();
  for (const row of rows.values()) {
    const { path, file } = encodeTarget(distributionOf(row));
    targets.set(path, file);
  }
  return planLeaf(prefix, targets);
}

/** The `signed` part of a role of the tree. */
export function binRoleJson(bin: BinRole, version: number, expires: Date, keys: SigningKeys): JsonObject {
  if ('targets' in bin) return targetsJson({ version, expires, targets: bin.targets });
  const { roleKeys, keys: publicKeys } = keys.delegation(UNCLAIMED);
  const roles = branchDelegations(UNCLAIMED, bin.prefix, roleKeys.keyids, roleKeys.threshold);
  return targetsJson({ version, expires, targets: new Map(), delegations: { keys: publicKeys, roles } });
}

export const roleOf = (bin: BinRole): string => binRoleName(UNCLAIMED, bin.prefix);

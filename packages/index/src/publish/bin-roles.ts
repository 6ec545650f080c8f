import { binRoleName, type BinRole, encodeTarget, type LeafContent, type TargetPath } from '@holdfast/trust';
import type { TargetFile } from '@holdfast/tuf';
import type { Outcome } from './outcomes.ts';
import { distributionOf, type FileRow, type ListedRow } from './file-rows.ts';
import type { OnlineTop } from './signing-keys.ts';

/** A file that a batch touches, with what becomes of it. */
export interface ChangedFile {
  readonly row: FileRow;
  readonly outcome: Outcome;
}

/** A role of one of the bin trees that the index signs, as it is to be signed. */
export interface TreeRole {
  readonly top: OnlineTop;
  readonly bin: BinRole;
}

/** A change that was recorded while the deletion was being published comes too late: what is deleted stays so. */
export const isGone = ({ row, outcome }: ChangedFile): boolean => outcome.deleted || row.state === 'deleted';

/** The targets of a leaf with these files. */
export function targetsOf(rows: Iterable<ListedRow>): LeafContent {
  const targets = new Map<TargetPath, TargetFile>();
  for (const row of rows) {
    const { path, file } = encodeTarget(distributionOf(row));
    targets.set(path, file);
  }
  return { targets };
}

export const roleOf = ({ top, bin }: TreeRole): string => binRoleName(top, bin.prefix);

import { type BinRole, binPrefix, DIGITS, fitsMerged, MERGE_FILES, planLeaf, UNCLAIMED } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';
import { type ChangedFile, isGone, roleName, targetsAfter } from './bin-roles.ts';
import { binDigits } from './file-rows.ts';
import type { RoleTable } from './role-table.ts';

export interface BinPlan {
  /** Roles of the bin tree that are to be signed, each once. */
  readonly bins: readonly BinRole[];
  /** Roles that leave it: children of branches that become leaves again. */
  readonly retired: readonly string[];
}

interface Sources {
  readonly db: Kysely<Database>;
  readonly table: Pick<RoleTable, 'isBranch' | 'leafOf'>;
  /** Roles to be signed again because of their age. */
  readonly renewals: readonly string[];
}

/** What the files that change make of the bin tree: leaves with other targets, leaves that split, branches that merge. */
export async function planBins({ db, table, renewals }: Sources, files: readonly ChangedFile[]): Promise<BinPlan> {
  const leaves = new Map<string, ChangedFile[]>();
  for (const file of files) {
    const prefix = table.leafOf(binDigits(file.row.bin));
    const leaf = leaves.get(prefix);
    if (leaf) leaf.push(file);
    else leaves.set(prefix, [file]);
  }
  const planned = new Map<string, BinRole>();
  for (const role of renewals) {
    const prefix = binPrefix(UNCLAIMED, role);
    if (prefix === undefined) continue;
    if (table.isBranch(prefix)) planned.set(prefix, { prefix, branch: true });
    else if (!leaves.has(prefix)) leaves.set(prefix, []);
  }
  for (const [prefix, changed] of leaves) {
    for (const bin of planLeaf(prefix, (await targetsAfter(db, prefix, changed)) ?? new Map()))
      planned.set(bin.prefix, bin);
  }
  const retired = new Set<string>();
  const shrunk = [...leaves].filter(([, changed]) => changed.some(isGone));
  for (const [prefix] of shrunk) await merge({ db, table, files, planned, retired }, prefix);
  return { bins: [...planned.values()], retired: [...retired] };
}

interface Merging {
  readonly db: Kysely<Database>;
  readonly table: Pick<RoleTable, 'isBranch'>;
  readonly files: readonly ChangedFile[];
  readonly planned: Map<string, BinRole>;
  readonly retired: Set<string>;
}

/**
 * A branch whose children are leaves that together hold little becomes a leaf again, and so on upwards. That is half of what
 * makes a leaf split: a project around the limit does not make the tree go back and forth.
 */
async function merge({ db, table, files, planned, retired }: Merging, prefix: string): Promise<void> {
  const isBranch = (child: string): boolean => {
    const bin = planned.get(child);
    return bin ? 'branch' in bin : table.isBranch(child);
  };
  for (let parent = prefix.slice(0, -1), child = prefix; child !== ''; child = parent, parent = parent.slice(0, -1)) {
    const children = Array.from(DIGITS, (digit) => parent + digit);
    // Another file of this publication may have brought the merge here before.
    if (retired.has(roleName(child)) || children.some(isBranch)) return;
    const changed = files.filter(({ row }) => binDigits(row.bin).startsWith(parent));
    const targets = await targetsAfter(db, parent, changed, MERGE_FILES);
    if (!targets || !fitsMerged(targets)) return;
    for (const each of children) {
      planned.delete(each);
      retired.add(roleName(each));
    }
    planned.set(parent, { prefix: parent, targets });
  }
}

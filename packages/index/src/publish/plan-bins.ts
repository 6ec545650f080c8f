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
  readonly table: Pick<RoleTable, 'hasBin' | 'isBranch' | 'leafOf'>;
  /** Roles to be signed again because of their age. */
  readonly renewals: readonly string[];
}

/**
 * What the files that change make of the bin tree: leaves with other targets, leaves that split, leaves that come into being
 * with their first file, branches that merge.
 */
export async function planBins({ db, table, renewals }: Sources, files: readonly ChangedFile[]): Promise<BinPlan> {
  const leaves = new Map<string, ChangedFile[]>();
  for (const file of files) {
    const prefix = table.leafOf(binDigits(file.row.bin));
    const leaf = leaves.get(prefix);
    if (leaf) leaf.push(file);
    else leaves.set(prefix, [file]);
  }
  const branches = new Set<string>();
  for (const role of renewals) {
    const prefix = binPrefix(UNCLAIMED, role);
    // Of a role that left the tree since it was noted there is nothing to renew.
    if (prefix === undefined || (prefix !== '' && !table.hasBin(prefix))) continue;
    if (table.isBranch(prefix)) branches.add(prefix);
    else if (!leaves.has(prefix)) leaves.set(prefix, []);
  }
  const planned = new Map<string, BinRole>();
  for (const [prefix, changed] of leaves) {
    const targets = (await targetsAfter(db, prefix, changed)) ?? new Map();
    const isNew = prefix !== '' && !table.hasBin(prefix);
    if (isNew && targets.size === 0) continue;
    for (const bin of planLeaf(prefix, { targets })) planned.set(bin.prefix, bin);
    if (isNew) branches.add(prefix.slice(0, -1));
  }
  const merging: Merging = { db, table, files, planned, merged: new Set(), retired: new Set() };
  for (const [prefix, changed] of leaves) if (changed.some(isGone)) await merge(merging, prefix);
  for (const prefix of branches) {
    if (!isMerged(merging, prefix)) planned.set(prefix, { prefix, digits: digitsAfter(merging, prefix) });
  }
  return { bins: [...planned.values()], retired: Array.from(merging.retired, roleName) };
}

interface Merging {
  readonly db: Kysely<Database>;
  readonly table: Pick<RoleTable, 'hasBin' | 'isBranch'>;
  readonly files: readonly ChangedFile[];
  readonly planned: Map<string, BinRole>;
  /** Prefixes of branches that became leaves, maybe for a moment: one further up may have done so too. */
  readonly merged: Set<string>;
  /** Prefixes of roles that were listed and leave the tree. */
  readonly retired: Set<string>;
}

/**
 * A branch whose children are leaves that together hold little becomes a leaf again, and so on upwards. That is half of what
 * makes a leaf split: a project around the limit does not make the tree go back and forth.
 */
async function merge(merging: Merging, prefix: string): Promise<void> {
  const { db, table, files, planned, merged, retired } = merging;
  const isBranch = (child: string): boolean => {
    const bin = planned.get(child);
    return bin ? 'digits' in bin : table.isBranch(child);
  };
  for (let parent = prefix.slice(0, -1), child = prefix; child !== ''; child = parent, parent = parent.slice(0, -1)) {
    const children = Array.from(DIGITS, (digit) => parent + digit);
    // Another file of this publication may have brought the merge here before.
    if (isMerged(merging, parent) || children.some(isBranch)) return;
    const changed = files.filter(({ row }) => binDigits(row.bin).startsWith(parent));
    const targets = await targetsAfter(db, parent, changed, MERGE_FILES);
    if (!targets || !fitsMerged({ targets })) return;
    for (const each of children) {
      planned.delete(each);
      if (table.hasBin(each)) retired.add(each);
    }
    planned.set(parent, { prefix: parent, targets });
    merged.add(parent);
  }
}

/** Whether the role became a leaf again, or one above it did. */
function isMerged({ merged }: Merging, prefix: string): boolean {
  for (let length = 0; length <= prefix.length; length++) if (merged.has(prefix.slice(0, length))) return true;
  return false;
}

/** What the children of a branch add to its prefix after this publication. None of them leaves without it. */
function digitsAfter({ planned, table }: Merging, prefix: string): string {
  return Array.from(DIGITS)
    .filter((digit) => planned.has(prefix + digit) || table.hasBin(prefix + digit))
    .join('');
}

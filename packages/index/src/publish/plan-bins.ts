import { type BinRole, binPrefix, binRoleName, DIGITS, fitsMerged, planLeaf } from '@holdfast/trust';
import type { TreeRole } from './bin-roles.ts';
import type { RoleTable } from './role-table.ts';
import type { TreeChange } from './tree-changes.ts';

export interface BinPlan {
  /** Roles of the bin tree that are to be signed, each once. */
  readonly bins: readonly TreeRole[];
  /** Roles that leave it: children of branches that become leaves again. */
  readonly retired: readonly string[];
}

interface Sources {
  readonly table: Pick<RoleTable, 'hasBin' | 'isBranch' | 'leafOf'>;
  /** Roles to be signed again because of their age. */
  readonly renewals: readonly string[];
}

/**
 * What a publication makes of a bin tree: leaves with other content, leaves that split, leaves that come into being with the first
 * thing in them, branches that merge.
 */
export async function planBins({ table, renewals }: Sources, change: TreeChange): Promise<BinPlan> {
  const { top } = change;
  /** Prefixes of leaves that are signed, and whether something goes away there, or may have. */
  const leaves = new Map<string, boolean>();
  for (const [bin, { shrinks }] of change.bins) {
    const prefix = table.leafOf(top, bin);
    leaves.set(prefix, shrinks || leaves.get(prefix) === true);
  }
  const branches = new Set<string>();
  for (const role of renewals) {
    const prefix = binPrefix(top, role);
    // Of a role that left the tree since it was noted there is nothing to renew.
    if (prefix === undefined || (prefix !== '' && !table.hasBin(top, prefix))) continue;
    if (table.isBranch(top, prefix)) branches.add(prefix);
    // Where very many projects left at once, as with an offline signing, leaves were signed one by one, and now hold next to nothing.
    else leaves.set(prefix, true);
  }
  const planned = new Map<string, BinRole>();
  for (const prefix of leaves.keys()) {
    const content = await change.contentAfter(prefix, 'leaf');
    const isNew = prefix !== '' && !table.hasBin(top, prefix);
    if (!content || (isNew && isEmpty(content))) continue;
    for (const bin of planLeaf(prefix, content)) planned.set(bin.prefix, bin);
    if (isNew) branches.add(prefix.slice(0, -1));
  }
  const merging: Merging = { table, change, planned, merged: new Set(), retired: new Set() };
  for (const [prefix, shrinks] of leaves) if (shrinks) await merge(merging, prefix);
  for (const prefix of branches) {
    if (!isMerged(merging, prefix)) planned.set(prefix, { prefix, digits: digitsAfter(merging, prefix) });
  }
  return {
    bins: Array.from(planned.values(), (bin) => ({ top, bin })),
    retired: Array.from(merging.retired, (prefix) => binRoleName(top, prefix)),
  };
}

const isEmpty = (content: object): boolean =>
  Object.values(content).every((listed) => listed instanceof Map && listed.size === 0);

interface Merging {
  readonly table: Pick<RoleTable, 'hasBin' | 'isBranch'>;
  readonly change: TreeChange;
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
  const { table, change, planned, merged, retired } = merging;
  const isBranch = (child: string): boolean => {
    const bin = planned.get(child);
    return bin ? 'digits' in bin : table.isBranch(change.top, child);
  };
  for (let parent = prefix.slice(0, -1), child = prefix; child !== ''; child = parent, parent = parent.slice(0, -1)) {
    const children = Array.from(DIGITS, (digit) => parent + digit);
    // Another file of this publication may have brought the merge here before.
    if (isMerged(merging, parent) || children.some(isBranch)) return;
    const content = await change.contentAfter(parent, 'merged leaf');
    if (!content || !fitsMerged(content)) return;
    for (const each of children) {
      planned.delete(each);
      if (table.hasBin(change.top, each)) retired.add(each);
    }
    planned.set(parent, { prefix: parent, ...content });
    merged.add(parent);
  }
}

/** Whether the role became a leaf again, or one above it did. */
function isMerged({ merged }: Merging, prefix: string): boolean {
  for (let length = 0; length <= prefix.length; length++) if (merged.has(prefix.slice(0, length))) return true;
  return false;
}

/** What the children of a branch add to its prefix after this publication. None of them leaves without it. */
function digitsAfter({ planned, table, change }: Merging, prefix: string): string {
  return Array.from(DIGITS)
    .filter((digit) => planned.has(prefix + digit) || table.hasBin(change.top, prefix + digit))
    .join('');
}

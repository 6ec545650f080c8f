import { type BinRole, binPrefix, binRoleJson, binRoleName, type TreeKeys } from '@holdfast/trust';
import type { LoadedExport } from './load.ts';
import { nextTree, type TreeContent } from './next-tree.ts';
import { sameHolders } from './next-roles.ts';
import { holdersOf, type NextRole, termOf } from './next-role.ts';
import type { OfflineTop } from './present.ts';

export interface TreeWish {
  readonly loaded: LoadedExport;
  readonly top: OfflineTop;
  /** Who signs the tree from now on. */
  readonly keys: TreeKeys;
  readonly content: TreeContent;
  /** Bins in which it differs from today's. */
  readonly touched: ReadonlySet<string>;
}

/** What has to be signed of a tree: what says something new, what is near its expiry, everything for new holders. */
export function planTree(wish: TreeWish): { roles: NextRole[]; retired: string[] } {
  const { loaded, top, keys, content, touched } = wish;
  const tree = loaded.present.trees.get(top);
  const present = tree?.tree.roles ?? new Map<string, BinRole>();
  const step = nextTree(present, content, touched);
  const retired = new Set(step.retired);
  const changed = new Map(step.changed.map((bin) => [bin.prefix, bin]));
  const rekeyed = tree !== undefined && !sameHolders(holdersOf(tree.keys), holdersOf(keys));
  const { expires, isDue } = termOf(loaded, top);
  const roles: NextRole[] = [];
  const add = (bin: BinRole, why: NextRole['why']): void => {
    const role = binRoleName(top, bin.prefix);
    const version = (tree?.versions.get(role)?.version ?? loaded.retired.get(role) ?? 0) + 1;
    const json = () => binRoleJson(top, bin, version, expires, keys);
    roles.push({ role, version, expires, holder: top, needs: [keys], why, json });
  };
  for (const bin of changed.values()) add(bin, present.has(bin.prefix) ? 'changed' : 'new');
  for (const [role, { expires: until }] of tree?.versions ?? []) {
    const prefix = binPrefix(top, role) ?? '';
    const bin = present.get(prefix);
    if (!bin || retired.has(prefix) || changed.has(prefix)) continue;
    if (rekeyed) add(bin, 'changed');
    else if (isDue(until)) add(bin, 'renewed');
  }
  return { roles, retired: step.retired.map((prefix) => binRoleName(top, prefix)) };
}

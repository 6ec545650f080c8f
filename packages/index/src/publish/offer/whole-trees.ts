import {
  type BinRole,
  binRoleName,
  binPrefix,
  CLOSED,
  DIGITS,
  RARELY_UPDATED,
  RECENTLY_CLAIMED,
  topsOf,
} from '@holdfast/trust';
import type { RoleKeys } from '@holdfast/tuf';
import { MetadataRefusedError } from '../../errors.ts';
import type { RoleTable } from '../role-table.ts';
import { OFFLINE_TOPS, type OfflineTop, type VerifiedRoles } from './verified-roles.ts';

/** What a range of bins holds from now on: what the leaf says, or nothing. */
export interface ChangedRange {
  readonly top: OfflineTop;
  readonly prefix: string;
  readonly leaf: Exclude<BinRole, { readonly digits: string }> | undefined;
}

export interface TreeChanges {
  /** Ranges about which the offer says something new; they do not overlap within a tree. */
  readonly ranges: readonly ChangedRange[];
  /** Roles of bin trees that leave. */
  readonly retired: ReadonlySet<string>;
}

type Table = Pick<RoleTable, 'hasBin' | 'isBranch' | 'digitsOf' | 'rolesOf' | 'version'>;

/**
 * That the offered roles, together with those that stay, are whole trees: everything that is delegated to is there, and everything
 * that is there is delegated to.
 * @param before who signed the trees until now
 * @throws MetadataRefusedError
 */
export function checkTrees(
  offered: VerifiedRoles,
  named: readonly string[],
  table: Table,
  before: ReadonlyMap<OfflineTop, RoleKeys>,
): TreeChanges {
  const { model, holders, bins } = offered;
  const retired = new Set(named);
  for (const role of retired) {
    if (table.version(role) === undefined) throw new MetadataRefusedError(role, 'it cannot leave: it is not there');
    if (offered.roles.some((other) => other.role === role)) throw new MetadataRefusedError(role, 'it comes and leaves');
  }
  const ranges: ChangedRange[] = [];
  for (const top of OFFLINE_TOPS) {
    const holder = holders.get(top);
    if (!holder) {
      dropTree(top, table, retired, ranges);
      continue;
    }
    const old = before.get(top);
    const tree: Tree = { top, bins: bins.get(top) ?? new Map(), table, retired };
    if (old && !isSame(old, holder)) checkAllOffered(tree, offered);
    checkTree(tree, ranges);
  }
  if (holders.has(RARELY_UPDATED)) checkClosedIsThere(offered, table, retired);
  if (!topsOf(model).includes(RECENTLY_CLAIMED)) for (const role of table.rolesOf(RECENTLY_CLAIMED)) retired.add(role);
  return { ranges, retired };
}

interface Tree {
  readonly top: OfflineTop;
  readonly bins: ReadonlyMap<string, BinRole>;
  readonly table: Table;
  readonly retired: ReadonlySet<string>;
}

/** The model does without it. */
function dropTree(top: OfflineTop, table: Table, retired: Set<string>, ranges: ChangedRange[]): void {
  if (table.version(top) === undefined) return;
  for (const role of table.rolesOf(top)) retired.add(role);
  if (top === RARELY_UPDATED && table.version(CLOSED) !== undefined) retired.add(CLOSED);
  ranges.push({ top, prefix: '', leaf: undefined });
}

function isSame(a: RoleKeys, b: RoleKeys): boolean {
  return a.threshold === b.threshold && [...a.keyids].sort().join() === [...b.keyids].sort().join();
}

/** Other keys sign the tree: nothing that the old ones signed is good any more. */
function checkAllOffered({ top, table, retired }: Tree, { roles }: VerifiedRoles): void {
  const coming = new Set(roles.map(({ role }) => role));
  const all = [...table.rolesOf(top), ...(top === RARELY_UPDATED ? [CLOSED] : [])];
  for (const role of all)
    if (!coming.has(role) && !retired.has(role))
      throw new MetadataRefusedError(role, 'its keys change, so it has to be signed anew');
}

function checkTree(tree: Tree, ranges: ChangedRange[]): void {
  const { top, bins, retired } = tree;
  if (!isThere(tree, '')) throw new MetadataRefusedError(top, 'targets leads to it, and it is not there');
  for (const [prefix, bin] of bins) {
    if (prefix !== '' && !leadsTo(tree, prefix))
      throw new MetadataRefusedError(binRoleName(top, prefix), 'no role leads to it');
    const digits = 'digits' in bin ? bin.digits : '';
    for (const digit of DIGITS) checkChild(tree, prefix + digit, digits.includes(digit));
    if ('digits' in bin) {
      for (const digit of DIGITS)
        if (!digits.includes(digit)) ranges.push({ top, prefix: prefix + digit, leaf: undefined });
    } else ranges.push({ top, prefix, leaf: bin });
  }
  for (const role of retired) {
    const prefix = binPrefix(top, role);
    if (prefix === undefined) continue;
    if (prefix === '' || leadsTo(tree, prefix))
      throw new MetadataRefusedError(role, 'it leaves, and a role leads to it');
    for (const digit of DIGITS) checkChild(tree, prefix + digit, false);
  }
}

function checkChild(tree: Tree, prefix: string, wanted: boolean): void {
  if (isThere(tree, prefix) === wanted) return;
  const role = binRoleName(tree.top, prefix);
  throw new MetadataRefusedError(
    role,
    wanted ? 'a role leads to it, and it is not there' : 'no role leads to it any more',
  );
}

/** After the offer. */
function isThere({ top, bins, table, retired }: Tree, prefix: string): boolean {
  if (bins.has(prefix)) return true;
  const role = binRoleName(top, prefix);
  return table.version(role) !== undefined && !retired.has(role);
}

/** Whether the role above leads to it: one that stays leads to what it led to. */
function leadsTo({ top, bins, table, retired }: Tree, prefix: string): boolean {
  const above = prefix.slice(0, -1);
  const parent = bins.get(above);
  if (parent) return 'digits' in parent && parent.digits.includes(prefix.slice(-1));
  return !retired.has(binRoleName(top, above)) && table.hasBin(top, above) && table.hasBin(top, prefix);
}

function checkClosedIsThere({ roles }: VerifiedRoles, table: Table, retired: ReadonlySet<string>): void {
  const comes = roles.some(({ role }) => role === CLOSED);
  if (!comes && (table.version(CLOSED) === undefined || retired.has(CLOSED)))
    throw new MetadataRefusedError(CLOSED, `${RARELY_UPDATED} leads to it, and it is not there`);
}

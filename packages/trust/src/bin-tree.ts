import type { DelegatedRole, TargetFile } from '@holdfast/tuf';
import { BIN_DIGITS, type TargetPath } from './target-path.ts';

/**
 * A bin tree spreads the targets of one delegated role over roles of bounded size (DESIGN §3). Its top is the role
 * itself; a role that grows past `BIN_BYTES` becomes a branch that delegates to children, one for each next hex digit of
 * the target paths in it: a child exists from its first target on, and the branch's own signature says which ones there are.
 * The tree needs no ceremony: every role in it is signed by the keys of its top.
 */

/** Size in bytes of encoded targets beyond which a role of several bins is split. */
export const BIN_BYTES = 16_384;
/** A branch whose targets take no more than this becomes a leaf again: so it does not split at the next upload. */
export const MERGE_BYTES = BIN_BYTES / 2;
/** About the least that one target takes, of its own and with its path, in bytes. */
const TARGET_BYTES = 130;
/** More targets than this surely take more than {@link MERGE_BYTES}. */
export const MERGE_FILES: number = Math.floor(MERGE_BYTES / TARGET_BYTES);

/** The digits that the children of a branch add to its prefix. */
export const DIGITS = '0123456789abcdef';

/** The role for a hex prefix of the bin: `unclaimed` for the empty one, `unclaimed.3f` for `3f`. */
export function binRoleName(top: string, prefix: string): string {
  return prefix === '' ? top : `${top}.${prefix}`;
}

/** The hex prefix of a role in the tree of `top`, or `undefined` when the role is not in it. */
export function binPrefix(top: string, role: string): string | undefined {
  if (role === top) return '';
  if (!role.startsWith(`${top}.`)) return undefined;
  const prefix = role.slice(top.length + 1);
  return prefix.length <= BIN_DIGITS && /^[0-9a-f]+$/.test(prefix) ? prefix : undefined;
}

/**
 * The prefix of the leaf that holds `bin`, found by walking down while a role is a branch: at most 6 steps. It may be that of
 * a child that its branch does not have.
 */
export function leafPrefix(bin: string, isBranch: (prefix: string) => boolean): string {
  let depth = 0;
  while (depth < BIN_DIGITS && isBranch(bin.slice(0, depth))) depth++;
  return bin.slice(0, depth);
}

/** The bins that start with `prefix`, as an inclusive range of 6-digit strings. */
export function binRange(prefix: string): { first: string; last: string } {
  return { first: prefix.padEnd(BIN_DIGITS, '0'), last: prefix.padEnd(BIN_DIGITS, 'f') };
}

/** The delegations of a branch, in the order of its digits. */
export function branchDelegations(
  top: string,
  { prefix, digits }: BranchRole,
  keyids: readonly string[],
  threshold: number,
): DelegatedRole[] {
  return Array.from(digits, (digit) => ({
    name: binRoleName(top, prefix + digit),
    keyids,
    threshold,
    terminating: true,
    paths: [`${prefix + digit}*/*/*`],
  }));
}

/** A role that delegates. */
export interface BranchRole {
  readonly prefix: string;
  /** What its children add to its prefix, such as `03f`: in the order of {@link DIGITS}. */
  readonly digits: string;
}

/** A role of the tree as it is to be signed: targets of its own, or a branch. */
export type BinRole = { readonly prefix: string; readonly targets: ReadonlyMap<TargetPath, TargetFile> } | BranchRole;

/**
 * What becomes of the leaf at `prefix` when it holds `targets`: itself, or, past the size limit, a branch and its
 * children, deepest roles first. Targets of one bin stay together, however many: splitting would only make the way longer.
 */
export function planLeaf(prefix: string, targets: ReadonlyMap<TargetPath, TargetFile>): BinRole[] {
  if (encodedBytes(targets) <= BIN_BYTES || isOneBin(targets)) return [{ prefix, targets }];
  const children = new Map<string, Map<TargetPath, TargetFile>>();
  for (const [path, file] of targets) {
    const digit = path.charAt(prefix.length);
    const child = children.get(digit);
    if (child) child.set(path, file);
    else children.set(digit, new Map([[path, file]]));
  }
  const digits = [...children.keys()].sort();
  const planned = digits.flatMap((digit) => planLeaf(prefix + digit, children.get(digit) ?? new Map()));
  return [...planned, { prefix, digits: digits.join('') }];
}

function isOneBin(targets: ReadonlyMap<TargetPath, TargetFile>): boolean {
  let first: string | undefined;
  for (const path of targets.keys()) {
    first ??= path.slice(0, BIN_DIGITS);
    if (!path.startsWith(first)) return false;
  }
  return true;
}

/** Whether a branch with these targets below it becomes a leaf again, when all its children are leaves. */
export function fitsMerged(targets: ReadonlyMap<TargetPath, TargetFile>): boolean {
  return encodedBytes(targets) <= MERGE_BYTES;
}

/** About the bytes that the targets take in canonical JSON; splitting needs no more than that. */
function encodedBytes(targets: ReadonlyMap<TargetPath, TargetFile>): number {
  let bytes = 0;
  for (const [path, file] of targets) {
    bytes += path.length + TARGET_BYTES;
    for (const [key, value] of file.custom ?? []) {
      bytes += key.length + 6 + (typeof value === 'string' ? value.length : value instanceof Map ? 100 : 4);
    }
  }
  return bytes;
}

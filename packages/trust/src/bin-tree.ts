import type { DelegatedRole } from '@holdfast/tuf';
import { UNCLAIMED } from './roles.ts';
import { BIN_DIGITS } from './target-path.ts';

/**
 * A bin tree spreads what one delegated role says over roles of bounded size (DESIGN §3). Its top is the role itself; a role that
 * grows past `BIN_BYTES` becomes a branch that delegates to children, one for each next hex digit of the projects' bins: a child
 * exists from the first thing in it on, and the branch's own signature says which ones there are. Leaves hold targets, or
 * delegations to projects. The tree needs no ceremony: every role in it is signed by the keys of its top.
 */

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

/** A role that delegates to further roles of its tree. */
export interface BranchRole {
  readonly prefix: string;
  /** What its children add to its prefix, such as `03f`: in the order of {@link DIGITS}. */
  readonly digits: string;
}

/**
 * The delegations of a branch, in the order of its digits. Only those of the last tree end a search: what the others do not answer
 * for, the next one may.
 */
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
    terminating: top === UNCLAIMED,
    paths: [`${prefix + digit}*/*/*`],
  }));
}

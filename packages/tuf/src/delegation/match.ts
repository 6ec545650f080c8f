import type { DelegatedRole, Delegations, RoleKeys, SuccinctRoles } from '../model.ts';
import { PathPattern } from './pattern.ts';

export interface Candidate {
  readonly name: string;
  readonly terminating: boolean;
}

/** What is looked for: a target path with the hex SHA-256 of its UTF-8 form. */
export interface SoughtPath {
  /** The target path. */
  readonly path: string;
  /** 64 lower-case hex digits. */
  readonly hash: string;
}

const compiled = new WeakMap<DelegatedRole, readonly PathPattern[]>();

function patternsOf(role: DelegatedRole): readonly PathPattern[] {
  let patterns = compiled.get(role);
  if (patterns === undefined) {
    patterns = (role.paths ?? []).map((pattern) => new PathPattern(pattern));
    compiled.set(role, patterns);
  }
  return patterns;
}

/** The roles that a path is delegated to, in order of priority; ends after the first terminating one (§5.6.7.2.1). */
export function candidatesFor(delegations: Delegations, sought: SoughtPath): readonly Candidate[] {
  if (delegations.succinct !== undefined)
    return [{ name: binFor(delegations.succinct, sought.hash), terminating: true }];
  return untilTerminating(delegations.roles, (role) => isDelegated(role, sought));
}

function isDelegated(role: DelegatedRole, { path, hash }: SoughtPath): boolean {
  if (role.pathHashPrefixes !== undefined) return role.pathHashPrefixes.some((prefix) => hash.startsWith(prefix));
  return patternsOf(role).some((pattern) => pattern.matches(path));
}

/**
 * The roles that could answer for some path directly in a directory; more than a search for one path would visit, never
 * fewer. Of succinct bins at most `limit` + 1 are named, which is enough to go over the limit.
 */
export function candidatesIn(delegations: Delegations, directory: string, limit: number): readonly Candidate[] {
  const { succinct } = delegations;
  if (succinct !== undefined) {
    const length = Math.min(2 ** succinct.bitLength, limit + 1);
    return Array.from({ length }, (_, bin) => ({ name: binName(succinct, bin), terminating: false }));
  }
  const candidates: Candidate[] = [];
  for (const role of delegations.roles) {
    const patterns = patternsOf(role);
    if (role.pathHashPrefixes === undefined && !patterns.some((pattern) => pattern.mayMatchIn(directory))) continue;
    const closes = role.terminating && patterns.some((pattern) => pattern.coversAllIn(directory));
    candidates.push({ name: role.name, terminating: closes });
    if (closes) break;
  }
  return candidates;
}

function untilTerminating(
  roles: readonly DelegatedRole[],
  matches: (role: DelegatedRole) => boolean,
): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const role of roles) {
    if (!matches(role)) continue;
    candidates.push(role);
    if (role.terminating) break;
  }
  return candidates;
}

/** TAP 15: the leftmost bits of the path's hash choose the bin. */
function binFor(succinct: SuccinctRoles, hash: string): string {
  return binName(succinct, Number.parseInt(hash.slice(0, 8), 16) >>> (32 - succinct.bitLength));
}

function binName({ namePrefix, bitLength }: SuccinctRoles, bin: number): string {
  return `${namePrefix}-${bin.toString(16).padStart(Math.ceil(bitLength / 4), '0')}`;
}

/** The keys and threshold under which a parent delegates to a role; `undefined` when it does not. */
export function delegatedKeys(delegations: Delegations | undefined, name: string): RoleKeys | undefined {
  if (delegations?.succinct === undefined) return delegations?.roles.find((role) => role.name === name);
  const { succinct } = delegations;
  const suffix = name.slice(succinct.namePrefix.length + 1);
  const bin = /^[0-9a-f]{1,8}$/.test(suffix) ? Number.parseInt(suffix, 16) : Number.POSITIVE_INFINITY;
  return bin < 2 ** succinct.bitLength && binName(succinct, bin) === name ? succinct : undefined;
}

import type { ProjectName } from '@holdfast/python-index';
import type { DelegatedRole, Delegations, RoleKeys, TargetFile, Targets } from '@holdfast/tuf';
import type { BinLeaf, BinRole, ProjectDelegation } from './bin-leaf.ts';
import { closedDelegation, projectDelegation } from './bin-role-json.ts';
import { binPrefix, binRoleName, type BranchRole, branchDelegations } from './bin-tree.ts';
import { BinTreeError } from './errors.ts';
import { parseProjectRole } from './project-role.ts';
import { CLAIMED, RARELY_UPDATED, RECENTLY_CLAIMED, type Top } from './roles.ts';
import { parseTargetPath, projectBin, type TargetPath } from './target-path.ts';

/** What all roles of one tree say together. */
export interface BinTree {
  /** By prefix, from the top down. */
  readonly roles: ReadonlyMap<string, BinRole>;
  /** Of `unclaimed` and `rarely-updated`. */
  readonly targets: ReadonlyMap<TargetPath, TargetFile>;
  /** Of `claimed` and `recently-claimed`. */
  readonly projects: ReadonlyMap<ProjectName, ProjectDelegation>;
}

/**
 * Reads the tree of `top` from its roles, whose signatures the caller verified. Whatever `binRoleJson` would not have made is refused:
 * a tree means the same to everyone who reads it.
 * @param roleKeys who signs the tree, as `targets` says
 * @param roleOf the role of that name; `undefined` when there is none
 * @throws BinTreeError
 */
export function readTree(top: Top, roleKeys: RoleKeys, roleOf: (role: string) => Targets | undefined): BinTree {
  const roles = new Map<string, BinRole>();
  const pending = [''];
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    const name = binRoleName(top, prefix);
    const role = roleOf(name);
    if (!role) throw new BinTreeError(name, 'it is delegated to, and there is none');
    const bin = readBin(top, prefix, role, roleKeys);
    roles.set(prefix, bin);
    if (!('digits' in bin)) continue;
    for (const digit of Array.from(bin.digits).reverse()) pending.push(prefix + digit);
  }
  const targets = new Map<TargetPath, TargetFile>();
  const projects = new Map<ProjectName, ProjectDelegation>();
  for (const bin of roles.values()) {
    if ('targets' in bin) for (const [path, file] of bin.targets) targets.set(path, file);
    else if ('projects' in bin) for (const [name, project] of bin.projects) projects.set(name, project);
  }
  return { roles, targets, projects };
}

/** The role of a tree at `prefix`, as a branch or as a leaf. @throws BinTreeError */
export function readBin(top: Top, prefix: string, role: Targets, roleKeys: RoleKeys): BinRole {
  const { delegations, targets } = role;
  const refuse = (reason: string): never => {
    throw new BinTreeError(binRoleName(top, prefix), reason);
  };
  if (delegations?.succinct) return refuse('it delegates to hashed bins');
  const branch = delegations && branchOf(top, prefix, delegations);
  if (branch) {
    if (targets.size > 0) return refuse('it has both targets and children');
    const expected = branchDelegations(top, branch, roleKeys.keyids, roleKeys.threshold);
    if (!isSame(delegations.roles, expected)) return refuse('it delegates otherwise than a branch does');
    return branch;
  }
  const leaf =
    top === CLAIMED || top === RECENTLY_CLAIMED
      ? { prefix, projects: projectsOf(role, prefix, refuse) }
      : { prefix, targets: targetsOf(targets, prefix, refuse) };
  checkLeaf(top, leaf, delegations?.roles ?? [], roleKeys, refuse);
  return leaf;
}

/** A role is a branch when what it delegates to first is below it in the tree. */
function branchOf(top: Top, prefix: string, { roles }: Delegations): BranchRole | undefined {
  const first = binPrefix(top, roles[0]?.name ?? '');
  if (first?.length !== prefix.length + 1) return undefined;
  const digits = roles.map(({ name }) => name.slice(-1));
  return digits.every((digit, at) => at === 0 || digit > (digits[at - 1] ?? ''))
    ? { prefix, digits: digits.join('') }
    : undefined;
}

function targetsOf(
  targets: Targets['targets'],
  prefix: string,
  refuse: (reason: string) => never,
): ReadonlyMap<TargetPath, TargetFile> {
  for (const path of targets.keys()) {
    if (parseTargetPath(path)?.bin.startsWith(prefix) !== true)
      return refuse(`it lists ${JSON.stringify(path)}, which is not of its bins`);
  }
  return targets as ReadonlyMap<TargetPath, TargetFile>;
}

function projectsOf(
  { targets, delegations }: Targets,
  prefix: string,
  refuse: (reason: string) => never,
): ReadonlyMap<ProjectName, ProjectDelegation> {
  if (targets.size > 0) return refuse('it lists targets, and only projects have a say in it');
  const projects = new Map<ProjectName, ProjectDelegation>();
  for (const { name, keyids, threshold } of delegations?.roles ?? []) {
    const { project, labels } = parseProjectRole(name) ?? refuse(`it delegates to ${JSON.stringify(name)}`);
    if (labels.length > 0) return refuse(`it delegates to ${name}, which only its project may`);
    if (projects.has(project)) return refuse(`it delegates to two roles of ${project}`);
    if (!projectBin(project).startsWith(prefix)) return refuse(`${project} is not of its bins`);
    const keys = keyids.map((id) => delegations?.keys.get(id) ?? refuse(`it lacks the key ${id} of ${project}`));
    projects.set(project, { project, role: name, keys, threshold });
  }
  return projects;
}

function checkLeaf(
  top: Top,
  leaf: BinLeaf,
  roles: readonly DelegatedRole[],
  roleKeys: RoleKeys,
  refuse: (reason: string) => never,
): void {
  if ('projects' in leaf) {
    const expected = [...leaf.projects.values()].map(projectDelegation);
    if (!isSame(roles, expected)) refuse('it delegates otherwise than projects are delegated to');
  } else {
    const closes = top === RARELY_UPDATED && leaf.targets.size > 0;
    const expected = closes ? [closedDelegation(leaf.targets.keys(), roleKeys)] : [];
    if (!isSame(roles, expected)) refuse('it delegates otherwise than a leaf with targets does');
  }
}

function isSame(roles: readonly DelegatedRole[], expected: readonly DelegatedRole[]): boolean {
  const told = ({ name, keyids, threshold, terminating, paths = [] }: DelegatedRole): unknown[] => [
    name,
    [...keyids].sort(),
    threshold,
    terminating,
    paths,
  ];
  return roles.length === expected.length && JSON.stringify(roles.map(told)) === JSON.stringify(expected.map(told));
}

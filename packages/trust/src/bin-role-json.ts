import type { ProjectName } from '@holdfast/python-index';
import {
  canonicalize,
  type DelegatedRole,
  type Delegations,
  FormatError,
  type JsonObject,
  type PublicKey,
  type RoleKeys,
  targetsJson,
} from '@holdfast/tuf';
import type { BinRole, ProjectDelegation } from './bin-leaf.ts';
import { branchDelegations } from './bin-tree.ts';
import { projectPattern } from './project-role.ts';
import { CLOSED, RARELY_UPDATED, type Top } from './roles.ts';

/** Who signs the roles of a tree, as its branches say: the keys of its top. */
export interface TreeKeys {
  readonly roleKeys: RoleKeys;
  /** Those that `roleKeys` names. */
  readonly keys: ReadonlyMap<string, PublicKey>;
}

/**
 * The `signed` part of a role of the tree of `top`: the same content makes the same bytes, in whatever order it is given.
 * @throws FormatError when two projects have different keys under one keyid
 */
export function binRoleJson(top: Top, bin: BinRole, version: number, expires: Date, treeKeys: TreeKeys): JsonObject {
  const targets = 'targets' in bin ? bin.targets : new Map();
  return targetsJson({ version, expires, targets, delegations: delegationsOf(top, bin, treeKeys) });
}

/** The `signed` part of {@link CLOSED}: nothing. */
export function closedRoleJson(version: number, expires: Date): JsonObject {
  return targetsJson({ version, expires, targets: new Map() });
}

/** What a leaf of `rarely-updated` delegates to {@link CLOSED}: everything of the projects whose files it lists. */
export function closedDelegation(targets: Iterable<string>, { keyids, threshold }: RoleKeys): DelegatedRole {
  const paths = new Set(Array.from(targets, (path) => `${path.slice(0, path.lastIndexOf('/') + 1)}*`));
  return { name: CLOSED, keyids, threshold, terminating: true, paths: [...paths].sort() };
}

/** What a leaf of `claimed` or `recently-claimed` says of a project. */
export function projectDelegation({ project, role, keys, threshold }: ProjectDelegation): DelegatedRole {
  const keyids = keys.map(({ keyid }) => keyid).sort();
  return { name: role, keyids, threshold, terminating: true, paths: [projectPattern(project)] };
}

function delegationsOf(top: Top, bin: BinRole, { roleKeys, keys }: TreeKeys): Delegations | undefined {
  if ('digits' in bin) return { keys, roles: branchDelegations(top, bin, roleKeys.keyids, roleKeys.threshold) };
  if ('projects' in bin) return projectDelegations(bin.projects);
  if (top !== RARELY_UPDATED || bin.targets.size === 0) return undefined;
  return { keys, roles: [closedDelegation(bin.targets.keys(), roleKeys)] };
}

function projectDelegations(projects: ReadonlyMap<ProjectName, ProjectDelegation>): Delegations | undefined {
  if (projects.size === 0) return undefined;
  const sorted = [...projects.values()].sort((a, b) => (a.project < b.project ? -1 : 1));
  const keys = new Map<string, PublicKey>();
  for (const key of sorted.flatMap((project) => project.keys)) {
    const other = keys.get(key.keyid);
    if (other && !isSame(other, key)) throw new FormatError('keys', `${key.keyid} stands for two different keys`);
    keys.set(key.keyid, key);
  }
  return { keys, roles: sorted.map(projectDelegation) };
}

const isSame = (a: PublicKey, b: PublicKey): boolean => a === b || textOf(a) === textOf(b);
const textOf = ({ json }: PublicKey): string => new TextDecoder().decode(canonicalize(json));

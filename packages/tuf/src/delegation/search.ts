import type { TargetFile, Targets } from '../model.ts';
import { type Candidate, candidatesFor, candidatesIn, type SoughtPath } from './match.ts';

/** One step of a search: `role` must be verified with the keys that `parent` lists for it. */
export interface Edge {
  /** The delegating role; `root` for targets. */
  readonly parent: string;
  /** The role to visit. */
  readonly role: string;
  /** From `targets` down to `role`. */
  readonly chain: readonly string[];
}

/** Where a search ended. */
export interface Found {
  /** The role that lists the target, and how it was reached. */
  readonly edge: Edge;
  /** What it says of the target. */
  readonly file: TargetFile;
}

/** §5.6.7: at most this many delegated roles are visited, besides `targets`. */
export const MAX_DELEGATIONS = 32;

/**
 * The delegation search of §5.6.7: pre-order, depth first, in order of appearance. It asks for the roles one by one and
 * does no I/O itself: whoever drives it hands in each role, verified for that parent.
 * Roles beyond the limit are not looked at, so that a target behind them counts as not found.
 */
export function* searchTarget(sought: SoughtPath, limit: number): Generator<Edge, Found | undefined, Targets> {
  const walk = walkRoles(({ delegations }) => (delegations === undefined ? [] : candidatesFor(delegations, sought)));
  for (let step = walk.next(), count = 0; step.done !== true && count <= limit; count++) {
    const edge = step.value;
    const targets = yield edge;
    const file = targets.targets.get(sought.path);
    if (file !== undefined) return { edge, file };
    step = walk.next(targets);
  }
  return undefined;
}

/** Visits every role that could answer for some target directly in a directory. */
export function walkDirectory(directory: string, limit: number): Generator<Edge, void, Targets> {
  return walkRoles(({ delegations }) => (delegations === undefined ? [] : candidatesIn(delegations, directory, limit)));
}

function* walkRoles(candidates: (role: Targets) => readonly Candidate[]): Generator<Edge, void, Targets> {
  const visited = new Set<string>();
  let stack: Edge[] = [{ parent: 'root', role: 'targets', chain: ['targets'] }];
  for (let edge = stack.pop(); edge !== undefined; edge = stack.pop()) {
    // A role that was visited before is skipped, so that cycles end (§5.6.7.1).
    if (visited.has(edge.role)) continue;
    visited.add(edge.role);
    const { role, chain } = edge;
    const children = candidates(yield edge);
    // Behind a terminating delegation nothing else is searched (§5.6.7.2.1).
    if (children.some((child) => child.terminating)) stack = [];
    for (const child of children.toReversed())
      stack.push({ parent: role, role: child.name, chain: [...chain, child.name] });
  }
}

import type { ProjectName } from '@holdfast/python-index';
import {
  CLAIMED,
  nextGeneration,
  parseProjectRole,
  projectBin,
  type ProjectDelegation,
  type RotatedFact,
  rotationRole,
} from '@holdfast/trust';
import { parseTargets } from '@holdfast/tuf';
import { followRotations, type Judged, signedBy } from './judge.ts';
import type { LoadedExport } from './load.ts';

/** What becomes of a claim, or of the rotate files of a claimed project. */
export interface ClaimOutcome {
  readonly project: ProjectName;
  readonly becomes: 'claimed' | 'folded' | 'waits';
  /** Why it waits; empty otherwise. */
  readonly why: string;
}

/** What `claimed` is to say. */
export interface NextClaims {
  readonly content: { readonly projects: ReadonlyMap<ProjectName, ProjectDelegation> };
  readonly touched: ReadonlySet<string>;
  readonly outcomes: readonly ClaimOutcome[];
  /** Projects' metadata under the name of their next generation. */
  readonly copies: ReadonlyMap<string, Uint8Array>;
  /** Project roles and rotate files that nothing leads to any more. */
  readonly retired: readonly string[];
}

export async function planClaims(loaded: LoadedExport): Promise<NextClaims> {
  const { present, claims, rotated, exclude } = loaded;
  const projects = new Map(present.trees.get(CLAIMED)?.tree.projects);
  const touched = new Set<string>();
  const outcomes: ClaimOutcome[] = [];
  const copies = new Map<string, Uint8Array>();
  const retired: string[] = [];
  const put = (delegation: ProjectDelegation): void => {
    projects.set(delegation.project, delegation);
    touched.add(projectBin(delegation.project));
  };
  for (const judged of claims) {
    const { project, role, keys, threshold } = judged.claim;
    const why = whyItWaits(judged, loaded);
    outcomes.push({ project, becomes: why === '' ? 'claimed' : 'waits', why });
    if (why !== '') continue;
    // Roles of a claim before it left the index with the transaction that claimed anew.
    put({ project, role, keys, threshold });
  }
  for (const one of rotated) {
    const before = projects.get(one.project);
    const folded = exclude.has(one.project) ? 'it was excluded' : await fold(one, before);
    const why = typeof folded === 'string' ? folded : '';
    outcomes.push({ project: one.project, becomes: why === '' ? 'folded' : 'waits', why });
    if (typeof folded === 'string' || !before) continue;
    put(folded);
    copies.set(folded.role, one.metadata);
    retired.push(before.role, ...one.rotations.map((_, at) => rotationRole(before.role, at + 1)));
  }
  return { content: { projects }, touched, outcomes, copies, retired };
}

function whyItWaits({ claim, verdict, reason }: Judged, { order, exclude, accept }: LoadedExport): string {
  if (order.model === 'minimum') return 'the model minimum knows no claims';
  if (exclude.has(claim.project)) return 'it was excluded';
  if (verdict === 'unproven') return reason;
  return verdict === 'unvouched' && !accept.has(claim.project) ? `nobody vouches for its keys: ${reason}` : '';
}

/**
 * The delegation with the keys that a project's rotate files lead to, under a fresh name, so that a chain of rotate files begins anew; or
 * why that cannot be. Its metadata goes out under both names, so it must be good under the new keys and may not delegate: names of
 * what it delegates to begin with its own.
 */
async function fold(
  { metadata, rotations }: RotatedFact,
  before: ProjectDelegation | undefined,
): Promise<ProjectDelegation | string> {
  const role = before && parseProjectRole(before.role);
  if (!before || !role) return 'it is not claimed';
  const state = await followRotations(before, rotations);
  if (typeof state === 'string') return state;
  if (state.revoked) return 'its developers revoked its keys, and nobody claimed it again';
  const next = { project: before.project, role: nextGeneration(role), keys: state.keys, threshold: state.threshold };
  const problem = await signedBy(metadata, next, before.role);
  if (problem !== undefined) return `its newest release is not signed by its new keys yet: ${problem}`;
  return parseTargets(metadata).signed.delegations ? 'it delegates to others, whose names would change' : next;
}

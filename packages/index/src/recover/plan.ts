import { type Distribution, parseProjectRole, type ProjectDelegation } from '@holdfast/trust';
import { normalizeName } from '@holdfast/python-index';
import { keysOf } from '../publish/standing-rows.ts';
import type { SignedRole } from '../publish/sign-roles.ts';
import { compareProject, type ProjectReport, projectAfter, type SignedProject } from './compare.ts';
import { type Candidates, type OfflineChain, readOfflineChain } from './offline-chain.ts';
import { type ProjectChain, readProjectChain } from './project-chain.ts';
import type { StillRecords } from './still-records.ts';
import type { StoredMetadata } from './stored-metadata.ts';

/** What a recovery makes of an index. */
export interface RecoveryPlan {
  /** The newest publication of the last good state, and of the index as it is. */
  readonly before: number;
  readonly now: number;
  readonly chain: OfflineChain;
  /** Projects that are claimed, or were recently claimed in the last good state. */
  readonly claimed: ReadonlyMap<string, PlannedClaim>;
  /** In the order of their names. */
  readonly projects: readonly ProjectReport[];
}

export interface PlannedClaim {
  readonly standing: 'claimed' | 'recently-claimed';
  readonly delegation: ProjectDelegation;
  readonly chain: ProjectChain;
}

/**
 * Compares an index with its last good state, and changes nothing. The roots of the good state are believed, and through them whatever
 * offline keys and developers signed, wherever it is.
 * @param keep SHA-256 of files that the operators checked, by filename
 * @throws DamagedIndexError when what the offline keys signed is not whole in either
 */
export async function planRecovery(
  good: StillRecords,
  present: StillRecords,
  stored: StoredMetadata,
  keep: ReadonlyMap<string, string>,
): Promise<RecoveryPlan> {
  const from = candidatesOf([present, good], stored);
  const chain = await readOfflineChain(rootsOf(good), from);
  const claimed = await plannedClaims(good, chain, from);
  const [then, now] = [good.projects(), present.projects()];
  const names = new Set([...then.keys(), ...now.keys(), ...claimed.keys(), ...chain.rarelyUpdated.keys()]);
  const projects = [...names].sort().map((project) => {
    const [was, is] = [then.get(project), now.get(project)];
    return compareProject(project, was, is, projectAfter(was, is, signedProject(project, claimed, chain), keep));
  });
  return { before: good.newest, now: present.newest, chain, claimed, projects };
}

function candidatesOf(records: readonly StillRecords[], stored: StoredMetadata): Candidates {
  return {
    kept: (role) => [...records.flatMap((each) => each.kept(role) ?? []), ...stored.kept(role)],
    root: (version) => [...records.flatMap((each) => each.root(version) ?? []), ...stored.kept('root')],
    names: () => new Set([...records.flatMap((each) => [...each.keptRoles()]), ...stored.names()]),
  };
}

function rootsOf(good: StillRecords): readonly Uint8Array[] {
  const roots: Uint8Array[] = [];
  for (let root = good.root(1); root; root = good.root(roots.length + 1)) roots.push(root);
  return roots;
}

/** Those of the offline keys; and claims that the index alone stood for, as they were in the last good state. */
async function plannedClaims(
  good: StillRecords,
  { claimed, rarelyUpdated }: OfflineChain,
  from: Candidates,
): Promise<ReadonlyMap<string, PlannedClaim>> {
  const planned = new Map<string, PlannedClaim>();
  for (const [project, delegation] of claimed)
    planned.set(project, { standing: 'claimed', delegation, chain: await readProjectChain(delegation, from) });
  for (const row of good.standings()) {
    const project = normalizeName(String(row['project']));
    if (row['standing'] !== 'recently-claimed' || planned.has(project) || rarelyUpdated.has(project)) continue;
    const { role, keys, threshold } = row;
    if (typeof role !== 'string' || typeof keys !== 'string' || typeof threshold !== 'number') continue;
    const delegation = { project, role, keys: [...keysOf(keys).values()], threshold };
    planned.set(project, {
      standing: 'recently-claimed',
      delegation,
      chain: await readProjectChain(delegation, from),
    });
  }
  return planned;
}

function signedProject(
  project: string,
  claimed: ReadonlyMap<string, PlannedClaim>,
  { rarelyUpdated }: OfflineChain,
): SignedProject | undefined {
  const claim = claimed.get(project);
  if (claim) return { standing: claim.standing, files: said(claim.chain.files) };
  const listed = rarelyUpdated.get(project);
  return listed && { standing: 'rarely-updated', files: said(listed) };
}

const said = (files: ReadonlyMap<string, Distribution>): SignedProject['files'] =>
  new Map(Array.from(files, ([name, { sha256, yanked }]) => [name, { sha256, yanked: yankedText(yanked) }]));

/** As the records have it. */
export const yankedText = (yanked: Distribution['yanked']): string | null =>
  yanked === undefined ? null : yanked === true ? '' : yanked;

/** Everything that others signed, as it is published after the recovery. */
export function signedRoles({ chain, claimed }: RecoveryPlan): SignedRole[] {
  return [...chain.roles.values(), ...[...claimed.values()].flatMap((claim) => [...claim.chain.roles.values()])];
}

/** The generation that a role's name tells. */
export const generationOf = (role: string): number => parseProjectRole(role)?.generation ?? 1;

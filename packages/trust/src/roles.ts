import type { DelegatedRole, Targets } from '@holdfast/tuf';

/** Offline: projects whose developers sign for them, as operators confirmed it. Top of a bin tree, as all four are. */
export const CLAIMED = 'claimed';
/** Offline: the files of projects that nobody claimed and that are quiet. */
export const RARELY_UPDATED = 'rarely-updated';
/** Online: projects that were claimed since the last offline signing. */
export const RECENTLY_CLAIMED = 'recently-claimed';
/** Online: files of every other project. */
export const UNCLAIMED = 'unclaimed';

/** In the order of trust: what an earlier one answers for, a later one cannot touch. */
export const TOPS = [CLAIMED, RARELY_UPDATED, RECENTLY_CLAIMED, UNCLAIMED] as const;
export type Top = (typeof TOPS)[number];

/**
 * The empty role that {@link RARELY_UPDATED} delegates its projects to, terminating: a file of theirs that is not listed there is
 * not looked for in roles with online keys.
 */
export const CLOSED = 'rarely-updated.closed';

/** How much of the index's content only offline keys or developers can change; the operators choose. */
export type SecurityModel = 'minimum' | 'legacy' | 'maximum';

const TOPS_OF: Readonly<Record<SecurityModel, readonly Top[]>> = {
  minimum: [UNCLAIMED],
  legacy: [CLAIMED, RECENTLY_CLAIMED, UNCLAIMED],
  maximum: TOPS,
};

/** A key set: the keyids that count for a role and how many of them must sign. */
export interface RoleHolders {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

/** The tops that an index of this model has, in the order of trust. */
export function topsOf(model: SecurityModel): readonly Top[] {
  return TOPS_OF[model];
}

/**
 * What the offline role `targets` delegates: everything, to one top after the other. Only the last ends the search.
 * @throws RangeError when nobody holds the keys of a top that the model has
 */
export function topDelegations(model: SecurityModel, holders: Partial<Record<Top, RoleHolders>>): DelegatedRole[] {
  return topsOf(model).map((name) => {
    const held = holders[name];
    if (!held) throw new RangeError(`nobody holds keys for ${name}, which the model ${model} has`);
    const { keyids, threshold } = held;
    return { name, keyids, threshold, terminating: name === UNCLAIMED, paths: ['*/*/*'] };
  });
}

/** {@link topDelegations} of the *minimum* model of PEP 458: everything, to `unclaimed`. */
export function minimumDelegations(online: RoleHolders): DelegatedRole[] {
  return topDelegations('minimum', { [UNCLAIMED]: online });
}

/** The model that `targets` makes; `undefined` when its delegations are none of {@link topDelegations}, such as in another order. */
export function modelOf({ targets, delegations }: Pick<Targets, 'targets' | 'delegations'>): SecurityModel | undefined {
  if (targets.size > 0 || !delegations || delegations.succinct) return undefined;
  const { roles } = delegations;
  const isTop = ({ name, terminating, paths }: DelegatedRole): boolean =>
    paths?.length === 1 && paths[0] === '*/*/*' && terminating === (name === UNCLAIMED);
  if (!roles.every(isTop)) return undefined;
  const names = roles.map(({ name }) => name).join();
  return (['minimum', 'legacy', 'maximum'] as const).find((model) => topsOf(model).join() === names);
}

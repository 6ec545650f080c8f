import type { DelegatedRole } from '@holdfast/tuf';

/** The online role that answers for every project that nobody claimed (PEP 480), top of a bin tree. */
export const UNCLAIMED = 'unclaimed';

/** A key set: the keyids that count for a role and how many of them must sign. */
export interface RoleHolders {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

/**
 * What the offline role `targets` delegates in the *minimum* security model of PEP 458: everything, to `unclaimed`.
 * The order of this list is the order of trust; stronger models put offline roles in front.
 */
export function minimumDelegations(online: RoleHolders): DelegatedRole[] {
  return [{ name: UNCLAIMED, ...online, terminating: true, paths: ['*/*/*'] }];
}

import { delegatedKeys } from '../delegation/match.ts';
import type { MissingSignatures } from '../errors.ts';
import type { Delegations, Metadata, PublicKey, Root, RoleKeys, TopLevelRole } from '../model.ts';
import { checkSignatures } from '../verify.ts';

/** One threshold that a role's signatures have to reach. */
export interface Need {
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly roleKeys: RoleKeys;
}

export function rootNeed({ keys, roles }: Root, role: TopLevelRole): Need {
  return { keys, roleKeys: roles.get(role) ?? { keyids: [], threshold: 1 } };
}

/** What a parent asks of a role; `undefined` when it does not delegate to it. */
export function delegatedNeed(delegations: Delegations | undefined, role: string): Need | undefined {
  const roleKeys = delegatedKeys(delegations, role);
  return delegations === undefined || roleKeys === undefined ? undefined : { keys: delegations.keys, roleKeys };
}

/** `undefined` when the threshold is reached. */
export async function missingFor(
  role: string,
  metadata: Metadata<unknown>,
  { keys, roleKeys }: Need,
): Promise<MissingSignatures | undefined> {
  const { valid, problems } = await checkSignatures(metadata, keys, roleKeys);
  if (valid >= roleKeys.threshold) return undefined;
  return { role, threshold: roleKeys.threshold, valid, keyids: [...problems.keys()] };
}

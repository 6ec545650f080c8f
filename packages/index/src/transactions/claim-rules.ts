import type { KeysAndThreshold, ProjectState } from '@holdfast/trust';
import type { Kysely } from 'kysely';
import { keyText, registeredKeys } from '../accounts/account-keys.ts';
import type { Database } from '../records/schema.ts';
import { alreadyClaimed, claimsNotTaken, keyNotRegistered, noKeyOfYours } from './refusals.ts';
import { takesClaims } from './takes-claims.ts';

/**
 * What of a claim only the index can judge: whether it takes claims, and whose keys these are. A key that was removed from its account
 * counts no more.
 * @throws HttpError
 */
export async function checkClaim(
  db: Kysely<Database>,
  { project, standing, revoked }: ProjectState,
  { keys }: KeysAndThreshold,
  account: string,
): Promise<void> {
  if (!(await takesClaims(db))) throw claimsNotTaken(project);
  if ((standing === 'claimed' || standing === 'recently-claimed') && !revoked) throw alreadyClaimed(project);
  const registered = await registeredKeys(db, [...keys.keys()]);
  for (const key of keys.values()) {
    const known = registered.get(key.keyid);
    if (known?.key !== keyText(key)) throw keyNotRegistered(key.keyid);
  }
  if (!Array.from(registered.values()).some(({ accounts }) => accounts.has(account)))
    throw noKeyOfYours(project, account);
}

import type { Metadata, PublicKey, RoleKeys, Root, Targets } from '@holdfast/tuf';
import { HoldersError } from '../errors.ts';
import { assertReachable, type HolderRole, type Holders } from '../holders.ts';

/** What is to change of who signs. */
export interface HolderChange {
  readonly role: HolderRole;
  readonly add?: readonly PublicKey[];
  /** Keyids, or the beginnings of them. */
  readonly remove?: readonly string[];
  readonly threshold?: number;
}

/** Most roles that nobody has held yet need two. */
const USUAL_THRESHOLD = 2;

/** Who signs the role now; nobody where it is not there. */
export function holdersNow(root: Metadata<Root>, targets: Metadata<Targets>, role: HolderRole): Holders | undefined {
  const { keys, roles } = root.signed;
  if (role === 'root' || role === 'targets') return listed(keys, roles.get(role));
  if (role === 'online') return listed(keys, roles.get('timestamp'));
  const { delegations } = targets.signed;
  return (
    delegations &&
    listed(
      delegations.keys,
      delegations.roles.find(({ name }) => name === role),
    )
  );
}

function listed(keys: ReadonlyMap<string, PublicKey>, role: RoleKeys | undefined): Holders | undefined {
  return role && { keys: role.keyids.flatMap((keyid) => keys.get(keyid) ?? []), threshold: role.threshold };
}

/** The holders of a role after a change. @throws HoldersError when it names no key of the role, or leaves a role that nobody can sign */
export function changedHolders(before: Holders | undefined, change: HolderChange): Holders {
  const { role, add = [], remove = [] } = change;
  let keys = [...(before?.keys ?? [])];
  for (const beginning of remove) {
    const found = keys.filter(({ keyid }) => keyid.startsWith(beginning));
    if (found.length !== 1)
      throw new HoldersError(`${beginning} is ${found.length === 0 ? 'no key' : 'no single key'} of ${role}`);
    keys = keys.filter((key) => key !== found[0]);
  }
  keys.push(...add);
  const threshold = change.threshold ?? before?.threshold ?? Math.min(USUAL_THRESHOLD, keys.length);
  const after = { keys, threshold };
  assertReachable(role, after);
  return after;
}

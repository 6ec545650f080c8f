import type { TreeKeys } from '@holdfast/trust';
import type { JsonObject, PublicKey, RoleKeys } from '@holdfast/tuf';
import { ExportRefusedError } from '../errors.ts';
import type { SigningOrder } from '../export/model.ts';
import type { Holders, OfflineRole } from '../holders.ts';

/** One role as it is to be signed. */
export interface NextRole {
  readonly role: string;
  readonly version: number;
  readonly expires: Date;
  /** Whose holders sign it. */
  readonly holder: OfflineRole;
  /** Who has to sign; root under two sets, its old and its new one (TUF 1.0.34 §5.3.4). */
  readonly needs: readonly Need[];
  /** Why it is signed. */
  readonly why: 'new' | 'changed' | 'renewed';
  /** Its `signed` part; made anew each time, so that many roles need little memory. */
  json(): JsonObject;
}

export interface Need {
  readonly roleKeys: RoleKeys;
  readonly keys: ReadonlyMap<string, PublicKey>;
}

export function needOf({ keys, threshold }: Holders): TreeKeys {
  return {
    roleKeys: { keyids: keys.map(({ keyid }) => keyid), threshold },
    keys: new Map(keys.map((key) => [key.keyid, key])),
  };
}

export function holdersOf({ roleKeys, keys }: TreeKeys): Holders {
  return { keys: [...keys.values()], threshold: roleKeys.threshold };
}

/** How long a role is good, and whether the present one has to be signed again for its age. */
export function termOf(
  { order }: { readonly order: SigningOrder },
  role: OfflineRole,
): { expires: Date; isDue(present: Date): boolean } {
  const term = order.terms.get(role);
  if (!term) throw new ExportRefusedError(`it does not say how long ${role} is to be good`);
  if (term.expires <= order.now) throw new ExportRefusedError(`${role} would have expired when it is signed`);
  return { expires: term.expires, isDue: (present) => present < term.renewBefore };
}

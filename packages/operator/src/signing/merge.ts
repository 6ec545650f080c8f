import { envelopeBytes, parseRoot, parseTargets, type Signature, verifySignatures } from '@holdfast/tuf';
import { SignaturesRefusedError } from '../errors.ts';
import { payloadOf } from './payload.ts';
import type { NextRole } from './next-role.ts';
import type { SigningPlan } from './plan.ts';
import type { OfflineSignature } from './sign.ts';
import type { SignaturesFile } from './signatures-file.ts';

/** What goes to the index. */
export interface SignedOffer {
  readonly root?: Uint8Array;
  readonly targets?: Uint8Array;
  /** All other files, by role. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
  readonly retired: readonly string[];
}

/** A role that lacks signatures. */
export interface Lacking {
  readonly role: string;
  readonly have: number;
  readonly threshold: number;
  /** Keyids that could still sign. */
  readonly missing: readonly string[];
}

/**
 * Puts together what the holders signed apart, in any order: the same signatures make the same bytes.
 * @param id of the export that the plan follows from
 * @throws SignaturesRefusedError when one is of another export, is not valid, or a threshold is not reached
 */
export async function mergeSignatures(
  plan: SigningPlan,
  id: string,
  files: readonly SignaturesFile[],
): Promise<SignedOffer> {
  if (files.some((file) => file.id !== id))
    throw new SignaturesRefusedError('signatures of another file: all holders have to sign the very same one');
  const byRole = new Map<string, OfflineSignature[]>();
  for (const signature of files.flatMap((file) => file.signatures)) {
    const known = byRole.get(signature.role);
    if (known) known.push(signature);
    else byRole.set(signature.role, [signature]);
  }
  const roles = new Map<string, Uint8Array>();
  const lacking: Lacking[] = [];
  for (const role of plan.roles) {
    const merged = await mergeRole(role, byRole.get(role.role) ?? []);
    byRole.delete(role.role);
    if (merged instanceof Uint8Array) roles.set(role.role, merged);
    else lacking.push(merged);
  }
  for (const role of byRole.keys())
    throw new SignaturesRefusedError(`a signature of ${role}, which is not to be signed`);
  const [first] = lacking;
  if (first) throw new SignaturesRefusedError(sentenceOf(first, lacking.length));
  const [root, targets] = [roles.get('root'), roles.get('targets')];
  roles.delete('root');
  roles.delete('targets');
  for (const [role, bytes] of plan.copies) roles.set(role, bytes);
  return { ...(root && { root }), ...(targets && { targets }), roles, retired: plan.retired };
}

async function mergeRole(role: NextRole, made: readonly OfflineSignature[]): Promise<Uint8Array | Lacking> {
  const { canonical, sha256, signed } = payloadOf(role);
  for (const signature of made)
    if (signature.version !== role.version || signature.sha256 !== sha256)
      throw new SignaturesRefusedError(`${signature.keyid} signed something else as ${role.role}`);
  const listed = new Map(made.map(({ keyid, sig }): [string, Signature] => [keyid, { keyid, sig }]));
  const signatures = [...listed.values()].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  const bytes = envelopeBytes(signed, signatures);
  const metadata = role.role === 'root' ? parseRoot(bytes) : parseTargets(bytes);
  const known = new Set(role.needs.flatMap(({ roleKeys }) => roleKeys.keyids));
  for (const { keyid } of signatures)
    if (!known.has(keyid)) throw new SignaturesRefusedError(`${keyid} is no key of ${role.role}`);
  for (const { roleKeys, keys } of role.needs) {
    const own = { ...roleKeys, keyids: roleKeys.keyids.filter((keyid) => listed.has(keyid)) };
    const missing = roleKeys.keyids.filter((keyid) => !listed.has(keyid));
    const { threshold } = roleKeys;
    if (own.keyids.length < threshold) return { role: role.role, have: own.keyids.length, threshold, missing };
    try {
      await verifySignatures(
        { ...metadata, signedBytes: canonical },
        keys,
        { ...own, threshold: own.keyids.length },
        role.role,
      );
    } catch (cause) {
      throw new SignaturesRefusedError(`${role.role}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  }
  return bytes;
}

function sentenceOf({ role, have, threshold, missing }: Lacking, roles: number): string {
  const subject = roles > 1 ? `${role} and ${roles - 1} more roles need` : `${role} needs`;
  const who = missing.map((keyid) => keyid.slice(0, 16)).join(', ');
  return `${subject} more signatures: ${have} of ${threshold} are there; keys that have not signed: ${who}`;
}

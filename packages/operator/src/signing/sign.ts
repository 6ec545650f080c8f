import type { Signer } from '@holdfast/tuf';
import { NothingToSignError } from '../errors.ts';
import { payloadOf } from './payload.ts';
import type { NextRole } from './next-role.ts';
import type { SigningPlan } from './plan.ts';

/** One signature of one key: docs/formats/offline-signing.md. */
export interface OfflineSignature {
  readonly role: string;
  readonly version: number;
  /** Of the canonical form that was signed, lower-case hex. */
  readonly sha256: string;
  readonly keyid: string;
  /** Hex. */
  readonly sig: string;
}

/** Told after each role how far it is. */
export type OnSigned = (signed: number, of: number) => void;

/**
 * Signs with each key what that key may sign, and nothing else.
 * @throws NothingToSignError when that is nothing, what a signer throws
 */
export async function signPlan(
  plan: SigningPlan,
  signers: readonly Signer[],
  onSigned: OnSigned = () => {},
): Promise<OfflineSignature[]> {
  const made: OfflineSignature[] = [];
  for (const [at, role] of plan.roles.entries()) {
    const own = signersOf(role, signers);
    if (own.length > 0) {
      const { canonical, sha256 } = payloadOf(role);
      for (const signer of own) {
        const sig = Buffer.from(await signer.sign(canonical)).toString('hex');
        made.push({ role: role.role, version: role.version, sha256, keyid: signer.key.keyid, sig });
      }
    }
    onSigned(at + 1, plan.roles.length);
  }
  if (made.length === 0) throw new NothingToSignError('these keys sign nothing of what is to be signed');
  return made;
}

/** Which of the signers a role names, each key once. */
export function signersOf({ needs }: NextRole, signers: readonly Signer[]): Signer[] {
  const keyids = new Set(needs.flatMap(({ roleKeys }) => roleKeys.keyids));
  const found = new Map(signers.filter(({ key }) => keyids.has(key.keyid)).map((signer) => [signer.key.keyid, signer]));
  return [...found.values()];
}

import { envelopeBytes, parseRotation, parseTargets, type Signature } from '@holdfast/tuf';
import { sameBytes } from '../same-bytes.ts';
import type { KeysAndThreshold, ProjectTransaction } from './transaction.ts';
import { encodeTransaction } from './wire.ts';

/**
 * Two copies of one transaction, signed by different holders, as one with the signatures of both: so holders need not wait for each
 * other. Where both have a signature by one key, that of `other` stays.
 * @returns `undefined` when they are not the same transaction: another claim, other roles, or another signed part
 * @throws FormatError
 */
export function mergeTransactions(one: ProjectTransaction, other: ProjectTransaction): ProjectTransaction | undefined {
  if (one.roles.size !== other.roles.size || !isSameClaim(one.claim, other.claim)) return undefined;
  const roles = new Map<string, Uint8Array>();
  for (const [role, bytes] of one.roles) {
    const added = other.roles.get(role);
    const merged = added && mergeFiles(parseTargets(bytes), parseTargets(added));
    if (!merged) return undefined;
    roles.set(role, merged);
  }
  const claim = other.claim ? { claim: other.claim } : {};
  if (!one.rotation || !other.rotation) return one.rotation === other.rotation ? { ...claim, roles } : undefined;
  const rotation = mergeFiles(parseRotation(one.rotation), parseRotation(other.rotation));
  return rotation && { ...claim, roles, rotation };
}

interface SignedFile {
  readonly signatures: readonly Signature[];
  readonly signedBytes: Uint8Array;
}

function mergeFiles(one: SignedFile, other: SignedFile): Uint8Array | undefined {
  if (!sameBytes(one.signedBytes, other.signedBytes)) return undefined;
  const signatures = new Map(one.signatures.map((signature) => [signature.keyid, signature]));
  for (const signature of other.signatures) {
    if (signature.sig !== '' || !signatures.has(signature.keyid)) signatures.set(signature.keyid, signature);
  }
  return envelopeBytes(one.signedBytes, [...signatures.values()]);
}

const isSameClaim = (a: KeysAndThreshold | undefined, b: KeysAndThreshold | undefined): boolean =>
  sameBytes(claimBytes(a), claimBytes(b));
const claimBytes = (claim: KeysAndThreshold | undefined): Uint8Array => encodeTransaction({ claim, roles: new Map() });

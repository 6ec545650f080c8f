import { type ClaimFact, type KeyEventFact, parseProjectRole, type ProjectDelegation } from '@holdfast/trust';
import {
  isRevocation,
  makePublicKey,
  type Metadata,
  parseRotation,
  parseTargets,
  type PublicKey,
  type Rotation,
  verifySignatures,
} from '@holdfast/tuf';

/**
 * What is to be thought of a claim:
 * - `new`: nobody held keys of the project before, as far as the index tells
 * - `vouched`: its keys changed, and each time those before them signed for it
 * - `unvouched`: its keys changed, and those before them did not sign for it; it stays out unless the holders accept it
 * - `unproven`: what it says does not hold; it stays out
 */
export type Verdict = 'new' | 'vouched' | 'unvouched' | 'unproven';

export interface Judged {
  readonly claim: ClaimFact;
  readonly verdict: Verdict;
  /** Why it stays out, or what happened to its keys; empty for what is new. */
  readonly reason: string;
}

interface KeyState {
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
  readonly revoked: boolean;
}

/** @param present what `claimed` says of the project already */
export async function judgeClaim(claim: ClaimFact, present: ProjectDelegation | undefined): Promise<Judged> {
  const problem = (await problemOfKeys(claim)) ?? problemOfRole(claim, present) ?? (await problemOfMetadata(claim));
  if (problem !== undefined) return { claim, verdict: 'unproven', reason: problem };
  const { verdict, reason } = await followEvents(claim, present);
  return { claim, verdict, reason };
}

async function problemOfKeys({ keys, threshold }: ClaimFact): Promise<string | undefined> {
  for (const { keytype, scheme, public: material, keyid } of keys) {
    if ((await makePublicKey(keytype, scheme, material)).keyid !== keyid) return `a key of it has a wrong keyid`;
  }
  const different = new Set(keys.map((key) => key.public)).size;
  return threshold > different ? `${threshold} of its ${different} keys can never sign` : undefined;
}

function problemOfRole(
  { project, role, inForce }: ClaimFact,
  present: ProjectDelegation | undefined,
): string | undefined {
  const parsed = parseProjectRole(role);
  if (parsed?.project !== project || parsed.labels.length > 0) return `${role} is no role of it`;
  if (!present) return undefined;
  if (inForce) return 'offline keys stand for other keys of it';
  const before = parseProjectRole(present.role)?.generation ?? 0;
  return parsed.generation > before ? undefined : `its role ${role} is not newer than ${present.role}`;
}

/** Who claims must have signed something: else a claim would only take the project away. */
async function problemOfMetadata({ keys, threshold, role, metadata }: ClaimFact): Promise<string | undefined> {
  return signedBy(metadata, { keys, threshold }, role);
}

/** What is wrong with metadata that these keys should have signed; `undefined` when nothing is. */
export async function signedBy(
  metadata: Uint8Array,
  { keys, threshold }: { readonly keys: readonly PublicKey[]; readonly threshold: number },
  role: string,
): Promise<string | undefined> {
  try {
    await verifySignatures(parseTargets(metadata), byKeyid(keys), roleKeys(keys, threshold), role);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type Followed = Pick<Judged, 'verdict' | 'reason'>;

async function followEvents(claim: ClaimFact, present: ProjectDelegation | undefined): Promise<Followed> {
  if (present)
    return { verdict: 'unvouched', reason: 'the keys that offline keys stand for now did not sign for the new ones' };
  let state: KeyState | undefined;
  const notes: string[] = [];
  for (const event of claim.events) {
    const next = await after(state, event);
    if (typeof next === 'string') return { verdict: 'unvouched', reason: next };
    if (state && next !== state) notes.push(`${day(event.at)}: ${event.kind}, signed by the keys before`);
    state = next;
  }
  if (state && (state.revoked || !isSame(state, claim)))
    return { verdict: 'unvouched', reason: 'what happened to its keys does not lead to those that it has' };
  return notes.length === 0 ? { verdict: 'new', reason: '' } : { verdict: 'vouched', reason: notes.join('; ') };
}

/** The state after an event, or why nobody vouched for it. */
async function after(state: KeyState | undefined, event: KeyEventFact): Promise<KeyState | string> {
  if (event.kind === 'claim') {
    if (state?.revoked === true) return `${day(event.at)}: claimed again after its keys were revoked`;
    // Who was not sure that it arrived claims again: the same keys answer for themselves.
    if (state && isSame(state, event)) return state;
    if (state) return `${day(event.at)}: claimed again, and the keys before did not sign for it`;
    return { keys: event.keys, threshold: event.threshold, revoked: false };
  }
  const rotation = await verifiedRotation(event.bytes, state);
  if (!rotation) return `${day(event.at)}: a ${event.kind} that the keys before did not sign`;
  const { keys, threshold } = rotation.signed;
  return { keys: [...keys.values()], threshold, revoked: isRevocation(rotation.signed) };
}

async function verifiedRotation(
  bytes: Uint8Array,
  state: KeyState | undefined,
): Promise<Metadata<Rotation> | undefined> {
  if (!state) return undefined;
  try {
    const rotation = parseRotation(bytes);
    await verifySignatures(rotation, byKeyid(state.keys), roleKeys(state.keys, state.threshold), 'rotation');
    return rotation;
  } catch {
    return undefined; // Whatever is wrong with it, it vouches for nothing.
  }
}

/** The keys after a chain of rotate files of a role; what is wrong with it otherwise. */
export async function followRotations(
  { role, keys, threshold }: ProjectDelegation,
  rotations: readonly Uint8Array[],
): Promise<KeyState | string> {
  let state: KeyState = { keys, threshold, revoked: false };
  for (const [at, bytes] of rotations.entries()) {
    const rotation = await verifiedRotation(bytes, state);
    if (rotation?.signed.role !== role || rotation.signed.version !== at + 1) return 'its rotate files are no chain';
    const { keys: next, threshold: needed } = rotation.signed;
    state = { keys: [...next.values()], threshold: needed, revoked: isRevocation(rotation.signed) };
  }
  return state;
}

const day = (at: Date): string => at.toISOString().slice(0, 10);
const byKeyid = (keys: readonly PublicKey[]): ReadonlyMap<string, PublicKey> =>
  new Map(keys.map((key) => [key.keyid, key]));
const roleKeys = (keys: readonly PublicKey[], threshold: number) => ({
  keyids: keys.map(({ keyid }) => keyid),
  threshold,
});

function isSame(a: Pick<KeyState, 'keys' | 'threshold'>, b: Pick<KeyState, 'keys' | 'threshold'>): boolean {
  const ids = (of: typeof a): string =>
    of.keys
      .map(({ keyid }) => keyid)
      .sort()
      .join();
  return a.threshold === b.threshold && ids(a) === ids(b);
}

import {
  checkSignatures,
  FormatError,
  isRevocation,
  type Metadata,
  parseRotation,
  type PublicKey,
  type RoleKeys,
  type Rotation,
} from '@holdfast/tuf';
import { nextGeneration, parseProjectRole, projectRole, rotationRole } from '../project-role.ts';
import { sameBytes } from '../same-bytes.ts';
import { asCanonical } from './canonical.ts';
import { checkIndex } from './check-index.ts';
import { checkKeys } from './keys.ts';
import { MAX_ROTATIONS } from './limits.ts';
import { TransactionRefusedError } from './refused.ts';
import { checkAllSignatures } from './signatures.ts';
import type {
  CheckedTransaction,
  KeysAndThreshold,
  ProjectState,
  ProjectTransaction,
  WaitingFor,
} from './transaction.ts';

/** Who answers for the project once the transaction is published. */
export interface Authority extends KeysAndThreshold {
  readonly claim: KeysAndThreshold | undefined;
  readonly role: string;
  readonly rotations: number;
  readonly rotation: CheckedTransaction['rotation'];
  readonly revoked: boolean;
  /** Keys that may sign beside those that count. */
  readonly former: ReadonlyMap<string, PublicKey>;
  /** What the rotate file lacks. */
  readonly waiting: ReadonlyMap<string, WaitingFor>;
  /** Valid signatures of the rotate file. */
  readonly signatures: number;
}

/** @throws TransactionRefusedError */
export async function authorityAfter(state: ProjectState, transaction: ProjectTransaction): Promise<Authority> {
  const { claim, rotation } = transaction;
  const isClaimed = state.standing === 'claimed' || state.standing === 'recently-claimed';
  if (claim) return claimed(state, claim, rotation, isClaimed && state.revoked !== true);
  if (!isClaimed || state.role === undefined)
    throw new TransactionRefusedError(
      'NOT_CLAIMED',
      undefined,
      `${state.project} is not claimed: there are no keys that could sign for it. Claim it first (holdfast claim ${state.project}).`,
    );
  if (state.revoked === true)
    throw new TransactionRefusedError(
      'REVOKED',
      state.role,
      `it was revoked, so nothing that its keys sign counts. Claim ${state.project} again, with new keys.`,
    );
  const { role, keys, threshold, rotations } = state;
  const former = state.formerKeys ?? new Map<string, PublicKey>();
  const present = { claim: undefined, role, keys, threshold, rotations, revoked: false, former };
  if (!rotation) return { ...present, rotation: undefined, waiting: new Map(), signatures: 0 };
  return rotated(state, role, rotation, present);
}

async function claimed(
  state: ProjectState,
  claim: KeysAndThreshold,
  rotation: Uint8Array | undefined,
  isTaken: boolean,
): Promise<Authority> {
  if (isTaken)
    throw new TransactionRefusedError(
      'ALREADY_CLAIMED',
      state.role,
      `${state.project} is claimed already. Its keys change by a rotation that a threshold of them signs (holdfast rotate ${state.project}).`,
    );
  const before = state.role === undefined ? undefined : parseProjectRole(state.role);
  const role = before && state.revoked === true ? nextGeneration(before) : (state.role ?? projectRole(state.project));
  if (rotation)
    throw new TransactionRefusedError('FORMAT', role, 'a claim names its keys itself: send it without a rotation.');
  await checkKeys(role, claim);
  const { keys, threshold } = claim;
  const none = { rotations: 0, rotation: undefined, revoked: false, waiting: new Map(), signatures: 0 };
  return { ...none, claim: { keys, threshold }, role, keys, threshold, former: new Map() };
}

type Present = Omit<Authority, 'rotation' | 'waiting' | 'signatures'>;

async function rotated(state: ProjectState, role: string, bytes: Uint8Array, present: Present): Promise<Authority> {
  const version = state.rotations + 1;
  const entry = rotationRole(role, version);
  const file = readRotation(entry, bytes);
  const { signed } = file;
  checkIndex(entry, file.signed.unrecognized, state.index);
  checkNext(entry, state, file);
  const revoked = isRevocation(signed);
  if (!revoked) await checkKeys(entry, signed);
  if (!revoked && version >= MAX_ROTATIONS)
    throw new TransactionRefusedError(
      'TOO_MANY_ROTATIONS',
      entry,
      'clients follow no more rotations of one role. Wait for the next offline signing, which begins a new chain.',
    );
  const { threshold } = state;
  const { counted, valid } = await checkRotationSignatures(entry, file, state);
  return {
    ...present,
    ...(revoked ? {} : { keys: signed.keys, threshold: signed.threshold }),
    // An online delegation is changed itself, but only a rotate file can revoke a role.
    rotation: { bytes, entry: revoked || state.standing === 'claimed' ? entry : undefined },
    rotations: revoked || state.standing === 'claimed' ? version : state.rotations,
    revoked,
    former: new Map([...present.former, ...state.keys]),
    waiting: valid < threshold ? new Map([[entry, { signed: counted, threshold }]]) : new Map(),
    signatures: valid,
  };
}

/** Of this role, the next one, and none that was made before. */
function checkNext(entry: string, state: ProjectState, { signed, signedBytes }: Metadata<Rotation>): void {
  const { role } = state;
  const version = state.rotations + 1;
  if (signed.role !== role)
    throw new TransactionRefusedError(
      'ROLE_NAME',
      entry,
      `the rotation is of ${JSON.stringify(signed.role)}, not of ${role}.`,
    );
  if (signed.version !== version)
    throw new TransactionRefusedError(
      'VERSION',
      entry,
      `the rotation has the number ${signed.version}, and the next one is ${version}. Make it anew from what is published now.`,
    );
  const spent = state.spentRotations ?? [];
  if (spent.some((bytes) => sameBytes(readRotation(entry, bytes).signedBytes, signedBytes)))
    throw new TransactionRefusedError(
      'ROTATION_REPEATED',
      entry,
      'this rotation was made before, and anybody may have kept a copy of it. Rotate to keys that the role did not have then.',
    );
}

/** TAP 8: by a threshold of the keys before it. New keys may sign too, to show that somebody has them. */
async function checkRotationSignatures(
  entry: string,
  file: Metadata<Rotation>,
  { keys, threshold }: KeysAndThreshold,
): Promise<{ readonly counted: readonly string[]; readonly valid: number }> {
  const own: RoleKeys = { keyids: [...keys.keys()], threshold };
  await checkAllSignatures(entry, file, keys, file.signed.keys);
  const { keyids, valid } = await checkSignatures(file, keys, own);
  return { counted: keyids, valid };
}

function readRotation(entry: string, bytes: Uint8Array): Metadata<Rotation> {
  try {
    return asCanonical(entry, parseRotation(bytes));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new TransactionRefusedError('FORMAT', entry, `it is no rotate file (TAP 8): ${cause.message}.`, { cause });
  }
}

import { equalBytes } from '../bytes.ts';
import { verifyContent } from '../client/digests.ts';
import { FormatError, MismatchError, ReplacedRotationError, RoleRevokedError, TufError } from '../errors.ts';
import type { MetaFile, PublicKey, RoleKeys } from '../model.ts';
import { verifySignatures } from '../verify.ts';
import { rotationName } from './name.ts';
import { isRevocation, parseRotation, rotatedKeys, type Rotation } from './rotation.ts';

/** Who may sign a role, as of some point of its chain of rotate files. */
export interface ChainLink {
  /** By keyid. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** Which of them sign, and how many have to. */
  readonly roleKeys: RoleKeys;
  /** Rotations followed so far. */
  readonly version: number;
  /** Whether the role was revoked (TAP 20): nothing that it signs counts. */
  readonly revoked: boolean;
}

/** A rotate file that the snapshot lists, next in the chain. */
export interface NextRotation {
  /** Counts the rotations of the role from 1. */
  readonly version: number;
  /** What the snapshot announces of the file. */
  readonly meta: MetaFile;
}

/** The chain begins with the keys of the delegation: each parent's own. */
export function chainStart(keys: ReadonlyMap<string, PublicKey>, roleKeys: RoleKeys): ChainLink {
  return { keys, roleKeys, version: 0, revoked: false };
}

/** The next rotate file that the snapshot lists; nothing comes after a revocation. */
export function nextRotation(
  listed: ReadonlyMap<string, MetaFile> | undefined,
  role: string,
  link: ChainLink | undefined,
): NextRotation | undefined {
  if (link?.revoked === true) return undefined;
  const version = (link?.version ?? 0) + 1;
  const meta = listed?.get(rotationName(role, version));
  return meta === undefined ? undefined : { version, meta };
}

/**
 * One step of the chain (TAP 8): signed by a threshold of the keys before it, counted by key material.
 * @param before bytes of the same file that were verified in an earlier run: it may only have become a revocation since
 * @throws UnsignedMetadataError, MismatchError, FormatError, LengthMismatchError, HashMismatchError, ReplacedRotationError
 */
export async function followRotation(
  link: ChainLink,
  role: string,
  { version, meta }: NextRotation,
  bytes: Uint8Array,
  before?: Uint8Array,
): Promise<ChainLink> {
  const name = rotationName(role, version);
  await verifyContent(name, bytes, meta);
  const rotation = await verifiedRotation(link, role, version, bytes);
  const revoked = isRevocation(rotation);
  if (
    !revoked &&
    before !== undefined &&
    !equalBytes(before, bytes) &&
    (await wasBelieved(link, role, version, before))
  )
    throw new ReplacedRotationError(role, version);
  return { keys: rotation.keys, roleKeys: rotatedKeys(rotation), version, revoked };
}

/** @throws RoleRevokedError */
export function checkNotRevoked(link: ChainLink, role: string): void {
  if (link.revoked) throw new RoleRevokedError(role, link.version);
}

async function verifiedRotation(link: ChainLink, role: string, version: number, bytes: Uint8Array): Promise<Rotation> {
  const name = rotationName(role, version);
  const rotation = parseRotation(bytes);
  await verifySignatures(rotation, link.keys, link.roleKeys, name);
  if (rotation.signed.role !== role) throw new FormatError('signed.role', `should be ${role}`, undefined, name);
  if (rotation.signed.version !== version) throw new MismatchError(name, version, rotation.signed.version);
  return rotation.signed;
}

/** What was stored under other keys of the delegation, or is damaged, has no say. */
async function wasBelieved(link: ChainLink, role: string, version: number, bytes: Uint8Array): Promise<boolean> {
  try {
    await verifiedRotation(link, role, version, bytes);
    return true;
  } catch (error) {
    if (error instanceof TufError) return false;
    throw error;
  }
}

import {
  decodeTarget,
  type Distribution,
  InvalidTargetError,
  parseProjectRole,
  parseTargetPath,
  type ProjectDelegation,
  rotationRole,
} from '@holdfast/trust';
import {
  isRevocation,
  parseRotation,
  parseTargets,
  type PublicKey,
  type TargetFile,
  verifySignatures,
} from '@holdfast/tuf';
import { hash } from 'node:crypto';
import type { SignedRole } from '../publish/sign-roles.ts';
import type { Candidates } from './candidates.ts';
import { newestSigned } from './offline-chain.ts';

/** What the developers of a project signed, verified from the keys that its project is delegated to. */
export interface ProjectChain {
  /** Their roles and rotate files. */
  readonly roles: ReadonlyMap<string, SignedRole>;
  readonly files: ReadonlyMap<string, Distribution>;
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly threshold: number;
  readonly rotations: number;
  readonly revoked: boolean;
}

/**
 * Follows the published rotate files (TAP 8), and takes of every role the newest version that the keys at their end signed. Where
 * nothing verifies, there is nothing: never what somebody else signed.
 */
export async function readProjectChain(delegation: ProjectDelegation, from: Candidates): Promise<ProjectChain> {
  const { project, role } = delegation;
  const roles = new Map<string, SignedRole>();
  const { keys, threshold, rotations, revoked } = await followRotations(delegation, from, roles);
  const files = new Map<string, Distribution>();
  const pending = revoked ? [] : [{ role, keys, threshold }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (roles.has(next.role)) continue;
    const holders = { keyids: [...next.keys.keys()], threshold: next.threshold };
    const found = await newestSigned(next.role, from, next.keys, holders);
    if (!found) continue;
    roles.set(next.role, found);
    const { targets, delegations } = parseTargets(found.bytes).signed;
    for (const [path, target] of targets) {
      const said = parseTargetPath(path)?.project === project ? decoded(path, target) : undefined;
      if (said && !files.has(said.filename)) files.set(said.filename, said);
    }
    for (const { name, keyids, threshold: least } of delegations?.roles ?? []) {
      if (parseProjectRole(name)?.project !== project) continue;
      const named = keyids.flatMap((keyid) => delegations?.keys.get(keyid) ?? []);
      pending.push({ role: name, keys: new Map(named.map((key) => [key.keyid, key])), threshold: least });
    }
  }
  // What was revoked, or what keys signed that were replaced, stays published, and nobody finds its files.
  if (!roles.has(role)) await keepFormer(role, from, roles, delegation);
  return { roles, files, keys, threshold, rotations, revoked };
}

/** What no installer takes is no file: nobody who signs for one project may keep an index from recovering. */
function decoded(path: string, target: TargetFile): Distribution | undefined {
  try {
    return decodeTarget(path, target);
  } catch (error) {
    if (error instanceof InvalidTargetError) return undefined;
    throw error;
  }
}

type Keys = Pick<ProjectChain, 'keys' | 'threshold' | 'rotations' | 'revoked'>;

async function followRotations(
  { role, keys, threshold }: ProjectDelegation,
  from: Candidates,
  into: Map<string, SignedRole>,
): Promise<Keys> {
  let now: Keys = { keys: new Map(keys.map((key) => [key.keyid, key])), threshold, rotations: 0, revoked: false };
  while (!now.revoked) {
    const entry = rotationRole(role, now.rotations + 1);
    const next = await nextKeys(now, role, from.kept(entry));
    if (!next) break;
    const { bytes } = next;
    const [version, expiresAt] = [now.rotations + 1, 0];
    into.set(entry, { role: entry, version, expiresAt, sha256: hash('sha256', bytes), length: bytes.length, bytes });
    now = next.keys;
  }
  return now;
}

async function nextKeys(
  before: Keys,
  role: string,
  candidates: AsyncIterable<Uint8Array>,
): Promise<{ keys: Keys; bytes: Uint8Array } | undefined> {
  for await (const bytes of candidates) {
    try {
      const rotation = parseRotation(bytes);
      const { keys, threshold, version } = rotation.signed;
      const holders = { keyids: [...before.keys.keys()], threshold: before.threshold };
      await verifySignatures(rotation, before.keys, holders, role);
      if (version !== before.rotations + 1 || rotation.signed.role !== role) continue;
      return { keys: { keys, threshold, rotations: version, revoked: isRevocation(rotation.signed) }, bytes };
    } catch {
      // The keys before it did not sign it.
    }
  }
  return undefined;
}

async function keepFormer(
  role: string,
  from: Candidates,
  into: Map<string, SignedRole>,
  { keys, threshold }: ProjectDelegation,
): Promise<void> {
  const known = new Map(keys.map((key) => [key.keyid, key]));
  const found = await newestSigned(role, from, known, { keyids: [...known.keys()], threshold });
  if (found) into.set(role, found);
}

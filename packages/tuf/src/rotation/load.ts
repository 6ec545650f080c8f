import { LimitError, NetworkError, RollbackError, TufError } from '../errors.ts';
import type { MetadataStore, UpdaterLimits } from '../client/ports.ts';
import type { Source } from '../client/source.ts';
import type { TrustedSet } from '../client/trusted-set.ts';
import type { NextRotation } from './chain.ts';
import { rotationName, rotationPath } from './name.ts';

export interface RotationLoader {
  readonly source: Source;
  readonly store: MetadataStore;
  readonly limits: UpdaterLimits;
  readonly offline: 'never' | 'fallback' | 'only';
  /** What came along with something else, by its name in the snapshot without `.json`. */
  readonly arrivedOf: (name: string) => Uint8Array | undefined;
}

/**
 * Follows the rotate files that the snapshot lists for a role (TAP 8), from the keys of this parent's delegation to the
 * current ones. Asks for nothing when the snapshot lists none.
 */
export async function loadRotations(
  set: TrustedSet,
  role: string,
  parent: string,
  loader: RotationLoader,
  signal: AbortSignal,
): Promise<void> {
  for (let next = set.nextRotation(role, parent); next !== undefined; next = set.nextRotation(role, parent)) {
    const { keyRotations } = loader.limits;
    if (next.version > keyRotations) throw new LimitError(`the keys of ${role}`, keyRotations, 'rotations');
    await loadRotation(set, role, parent, next, loader, signal);
  }
  await checkNoneHidden(set, role, parent, loader.store);
}

/**
 * A snapshot never drops a rotate file again (§5.5.5). Proofs of parts have no earlier part to compare with: a rotation that this
 * client followed before has to be among what they show, or the old keys of the role would be back.
 * @throws RollbackError
 */
async function checkNoneHidden(set: TrustedSet, role: string, parent: string, store: MetadataStore): Promise<void> {
  if (set.snapshot !== undefined) return;
  const version = set.rotations(role, parent) + 1;
  if ((await store.read(rotationName(role, version))) === undefined) return;
  throw new RollbackError(`${role}.rotate.${version}`, version, undefined);
}

async function loadRotation(
  set: TrustedSet,
  role: string,
  parent: string,
  { version, meta }: NextRotation,
  { source, store, limits, offline, arrivedOf }: RotationLoader,
  signal: AbortSignal,
): Promise<void> {
  const name = rotationName(role, version);
  const stored = await store.read(name);
  // Without a hash nobody can tell whether the stored copy has been replaced by a revocation since.
  if (stored !== undefined && meta.hashes !== undefined) {
    if (await isAccepted(set.updateRotation(stored, role, parent))) return;
  }
  const arrived = arrivedOf(name.replace(/\.json$/, ''));
  if (arrived !== undefined && (await isAccepted(set.updateRotation(arrived, role, parent, stored)))) {
    await store.write(name, arrived);
    return;
  }
  try {
    // A rotate file holds what a root holds: keys.
    const maxLength = Math.min(meta.length ?? limits.rootBytes, limits.rootBytes);
    const wanted = { path: rotationPath(role, version), maxLength, expected: meta.length, signal };
    const fetched = await source.fetch(wanted, async (bytes) => {
      await set.updateRotation(bytes, role, parent, stored);
      return bytes;
    });
    await store.write(name, fetched);
  } catch (error) {
    if (!(error instanceof NetworkError) || offline === 'never' || stored === undefined) throw error;
    await set.updateRotation(stored, role, parent);
  }
}

async function isAccepted(update: Promise<void>): Promise<boolean> {
  try {
    await update;
    return true;
  } catch (error) {
    if (error instanceof TufError) return false;
    throw error;
  }
}

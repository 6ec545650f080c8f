import { RoleRevokedError } from '../errors.ts';
import { type ChainLink, chainStart, followRotation } from '../rotation/chain.ts';
import { rotationName } from '../rotation/name.ts';
import { isRevocation, parseRotation, rotatedKeys } from '../rotation/rotation.ts';
import type { Current } from './current.ts';
import type { Need } from './need.ts';

/** Under which name a rotate file travels in a proposal: its entry in the snapshot without `.json`. */
export function rotationRole(role: string, version: number): string {
  return rotationName(role, version).slice(0, -'.json'.length);
}

export function isRotationRole(name: string): boolean {
  return /^rotate\/.+\.rotate\.\d+$/s.test(name);
}

/** The rotate files (TAP 8) of a repository as it is served, and those that are being added to it. */
export class Rotations {
  private readonly current: Current | undefined;
  private readonly added: ReadonlyMap<string, Uint8Array>;

  /** @param added by the name of {@link rotationRole} */
  constructor(current: Current | undefined, added: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.current = current;
    this.added = added;
  }

  /** Who signs a role by now: the keys of its delegation, or those that its rotate files put in their place. @throws RoleRevokedError */
  async need(start: Need, role: string): Promise<Need> {
    const link = await this.follow(start, role, Number.POSITIVE_INFINITY);
    if (link.revoked) throw new RoleRevokedError(role, link.version);
    return link;
  }

  /** Who signs the rotate file of a version: the keys before it. */
  needOfRotation(start: Need, role: string, version: number): Promise<Need> {
    return this.follow(start, role, version - 1);
  }

  private async follow(start: Need, role: string, last: number): Promise<ChainLink> {
    let link = chainStart(start.keys, start.roleKeys);
    while (link.version < last && !link.revoked) {
      const version = link.version + 1;
      const bytes = this.added.get(rotationRole(role, version));
      const meta = this.current?.snapshot.signed.meta.get(rotationName(role, version));
      if (bytes !== undefined) {
        // Its own signatures are gathered, and checked, like those of any other file of the proposal.
        const { signed } = parseRotation(bytes);
        link = { keys: signed.keys, roleKeys: rotatedKeys(signed), version, revoked: isRevocation(signed) };
      } else if (meta !== undefined && this.current !== undefined) {
        const served = await this.current.read(`metadata/${rotationName(role, version)}`);
        link = await followRotation(link, role, { version, meta }, served);
      } else {
        break;
      }
    }
    return link;
  }
}

/** What a revoked role (TAP 20) says does not matter any more, nor who could sign it. */
export async function unlessRevoked<T>(need: Promise<T>): Promise<T | undefined> {
  try {
    return await need;
  } catch (error) {
    if (error instanceof RoleRevokedError) return undefined;
    throw error;
  }
}

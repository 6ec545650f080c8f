import type { Signer } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import type { KeyRole, KeySet } from '../world/keys.ts';
import type { World } from '../world/world.ts';

/** How much of a role's keys was stolen: nothing, one fewer than have to sign, or enough. Of a single key there is no one fewer. */
export type Share = 'nothing' | 'too few' | 'enough';
export type Loot = Readonly<Partial<Record<KeyRole, Share>>>;

/** Somebody who controls the server and holds stolen keys. What needs others, is signed with a key of their own. */
export class Thief {
  readonly world: World;
  readonly loot: Loot;
  /** A key that nobody trusts. */
  readonly own: KeySet;

  static async make(world: World, loot: Loot = {}): Promise<Thief> {
    return new Thief(world, loot, { signers: [await generateKey('ed25519')], threshold: 1 });
  }

  private constructor(world: World, loot: Loot, own: KeySet) {
    this.world = world;
    this.loot = loot;
    this.own = own;
  }

  /** The same thief with other loot. */
  with(loot: Loot): Thief {
    return new Thief(this.world, loot, this.own);
  }

  share(role: KeyRole): Share {
    return this.loot[role] ?? 'nothing';
  }

  /** The best signatures that can be put on a role. */
  signers(role: KeyRole): readonly Signer[] {
    const { signers, threshold } = this.world.keys[role];
    const share = this.share(role);
    if (share === 'enough') return signers.slice(0, threshold);
    return share === 'too few' ? [...signers.slice(0, threshold - 1), ...this.own.signers] : this.own.signers;
  }
}

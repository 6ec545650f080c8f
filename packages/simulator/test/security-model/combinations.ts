import {
  BACKDROPS,
  KEY_ROLES,
  type KeyRole,
  LEVERS,
  type Loot,
  type Share,
  type Standing,
  STANDINGS,
} from '../../src/index.ts';
import type { Burglary, Outcomes, UserKind } from './burglary.ts';
import type { Form } from './memory-installer.ts';

/** Roles of which several people hold keys: one key stolen is another case than enough of them. */
const SHARED: readonly KeyRole[] = ['root', 'targets', 'claimed', 'rarely-updated'];

/** Every subset of the keys: 3 shares of each role that needs two signatures, 2 of each other. */
export function everyLoot(): readonly Loot[] {
  let loots: readonly Loot[] = [{}];
  for (const role of KEY_ROLES) {
    const shares: readonly Share[] = SHARED.includes(role) ? ['nothing', 'too few', 'enough'] : ['nothing', 'enough'];
    loots = loots.flatMap((loot) => shares.map((share) => ({ ...loot, [role]: share })));
  }
  return loots;
}

/** The standings of which somebody can be shown forged files: every lie is tried before every backdrop. */
export async function forgeable(
  burglary: Burglary,
  loot: Loot,
  user: UserKind,
  form: Form,
): Promise<ReadonlySet<Standing>> {
  const forged = new Set<Standing>();
  for (const lever of LEVERS) {
    for (const backdrop of BACKDROPS) {
      const outcomes: Outcomes = await burglary.lie(loot, lever, backdrop, user, form);
      for (const standing of STANDINGS) {
        if (outcomes[standing] === 'other') throw new Error(`${standing} shows what nobody published`);
        if (outcomes[standing] === 'forged') forged.add(standing);
      }
    }
  }
  return forged;
}

/** The sets of keys that are in `loots`, each enough, without those that contain another one of them. */
export function smallest(loots: readonly Loot[]): readonly (readonly KeyRole[])[] {
  const sets = loots
    .map((loot) => KEY_ROLES.filter((role) => loot[role] === 'enough'))
    .sort((a, b) => a.length - b.length);
  const least: (readonly KeyRole[])[] = [];
  for (const set of sets) if (!least.some((other) => other.every((role) => set.includes(role)))) least.push(set);
  return least;
}

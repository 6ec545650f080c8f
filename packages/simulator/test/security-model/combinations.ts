import {
  BACKDROPS,
  KEY_ROLES,
  type KeyRole,
  type Lever,
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

/** What users were made to believe, for each way to lie with each share of the keys that it needs. */
export class Forgeries {
  readonly #burglary: Burglary;
  readonly #known = new Map<string, Promise<readonly Standing[]>>();

  constructor(burglary: Burglary) {
    this.#burglary = burglary;
  }

  /** The standings of which somebody can be shown forged files: every lie is tried before every backdrop. */
  async of(loot: Loot, user: UserKind, form: Form): Promise<ReadonlySet<Standing>> {
    const forged = new Set<Standing>();
    const { timestamp, snapshot } = loot;
    for (const lever of LEVERS) {
      const key = `${user} ${form} ${lever} ${loot[lever]} ${lever === 'root' ? '' : `${timestamp} ${snapshot}`}`;
      let known = this.#known.get(key);
      if (known === undefined) this.#known.set(key, (known = this.#by(lever, loot, user, form)));
      for (const standing of await known) forged.add(standing);
    }
    return forged;
  }

  async #by(lever: Lever, loot: Loot, user: UserKind, form: Form): Promise<readonly Standing[]> {
    const tried = BACKDROPS.map((backdrop) => this.#burglary.lie(loot, lever, backdrop, user, form));
    const outcomes: readonly Outcomes[] = await Promise.all(tried);
    return STANDINGS.filter((standing) => {
      if (outcomes.some((each) => each[standing] === 'other'))
        throw new Error(`${standing} shows what nobody published`);
      return outcomes.some((each) => each[standing] === 'forged');
    });
  }
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

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
import { type Burglary, type Outcomes, type UserKind, USERS } from './burglary.ts';
import { type Form, FORMS } from './memory-installer.ts';

/** Roles of which several people hold keys: one key stolen is another case than enough of them. */
const SHARED: readonly KeyRole[] = ['root', 'targets', 'claimed', 'rarely-updated'];

/** Every subset of the keys: 3 shares of each role that needs two signatures, 2 of each other. */
export function everyLoot(): readonly Loot[] {
  return combinationsOf(KEY_ROLES);
}

/** What users were made to believe, for each way to lie with each share of the keys that it needs. */
export class Forgeries {
  readonly #believed: ReadonlyMap<string, readonly Standing[]>;

  /** Tries every lie before every backdrop, on every user. */
  static async commit(burglary: Burglary): Promise<Forgeries> {
    const believed = new Map<string, readonly Standing[]>();
    for (const lever of LEVERS) {
      for (const loot of lootsFor(lever)) {
        for (const user of USERS) {
          for (const form of FORMS)
            believed.set(keyOf(lever, loot, user, form), await believedOf(burglary, lever, loot, user, form));
        }
      }
    }
    return new Forgeries(believed);
  }

  private constructor(believed: ReadonlyMap<string, readonly Standing[]>) {
    this.#believed = believed;
  }

  /** The standings of which somebody can be shown forged files, by any lie. */
  of(loot: Loot, user: UserKind, form: Form): ReadonlySet<Standing> {
    return new Set(LEVERS.flatMap((lever) => this.#believed.get(keyOf(lever, loot, user, form)) ?? []));
  }
}

/** All combinations of the keys that a lie uses. */
function lootsFor(lever: Lever): readonly Loot[] {
  return combinationsOf(lever === 'root' ? ['root'] : [lever, 'timestamp', 'snapshot']);
}

function combinationsOf(roles: readonly KeyRole[]): readonly Loot[] {
  return roles.reduce<readonly Loot[]>(
    (loots, role) => loots.flatMap((loot) => sharesOf(role).map((share) => ({ ...loot, [role]: share }))),
    [{}],
  );
}

const sharesOf = (role: KeyRole): readonly Share[] =>
  SHARED.includes(role) ? ['nothing', 'too few', 'enough'] : ['nothing', 'enough'];

function keyOf(lever: Lever, loot: Loot, user: UserKind, form: Form): string {
  const tops = lever === 'root' ? '' : `${loot.timestamp} ${loot.snapshot}`;
  return `${lever} ${loot[lever]} ${tops} ${user} ${form}`;
}

async function believedOf(
  burglary: Burglary,
  lever: Lever,
  loot: Loot,
  user: UserKind,
  form: Form,
): Promise<readonly Standing[]> {
  const tried = BACKDROPS.map((backdrop) => burglary.lie(loot, lever, backdrop, user, form));
  const outcomes: readonly Outcomes[] = await Promise.all(tried);
  return STANDINGS.filter((standing) => {
    if (outcomes.some((each) => each[standing] === 'other')) throw new Error(`${standing} shows what nobody published`);
    return outcomes.some((each) => each[standing] === 'forged');
  });
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

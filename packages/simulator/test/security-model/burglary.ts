import {
  type Backdrop,
  forge,
  forgedReleases,
  type KeyRole,
  type Lever,
  type Loot,
  type Moment,
  projectOfStanding,
  type Publication,
  type Standing,
  STANDINGS,
  Thief,
  World,
} from '../../src/index.ts';
import { type Form, FORMS, Memory, MemoryInstaller, type Said, type Served } from './memory-installer.ts';

/** Somebody who trusts the index, and what of it their installer has seen. */
export const USERS = ['new', 'knows by lookups', 'knows by files'] as const;
export type UserKind = (typeof USERS)[number];

/** What an attack came to for one project: the thief's files, those that the index has or once had, none, other ones, or a refusal. */
export type Outcome = 'forged' | Moment | 'nothing' | 'other' | 'refused';
export type Outcomes = Readonly<Record<Standing, Outcome>>;

/** Honest roles that the thief shows: as they are, as they once were, or one of them as it once was. */
export type Shown = Moment | 'mixed';

const DAY_MS = 86_400_000;
/** Of what the thief signs. */
export const VERSION = 1000;

/** A world, a thief in it, and users on whom attacks are tried. Each state is signed once. */
export class Burglary {
  readonly world: World;
  readonly thief: Thief;
  /** How often an installer was asked for a project. */
  asked = 0;
  readonly #known: ReadonlyMap<UserKind, Memory>;
  readonly #publications = new Map<string, Promise<Publication>>();

  static async begin(): Promise<Burglary> {
    const world = await World.make();
    const known = new Map<UserKind, Memory>();
    const burglary = new Burglary(world, await Thief.make(world), known);
    for (const form of FORMS) {
      const memory = new Memory();
      await burglary.visit(world.current, memory, form);
      known.set(`knows by ${form}`, memory);
    }
    return burglary;
  }

  private constructor(world: World, thief: Thief, known: ReadonlyMap<UserKind, Memory>) {
    this.world = world;
    this.thief = thief;
    this.#known = known;
  }

  /** How many different states were served. */
  get served(): number {
    return this.#publications.size;
  }

  memoryOf(user: UserKind): Memory {
    return (this.#known.get(user) ?? new Memory()).copy();
  }

  /** What a user is shown of each project. @param days how far their clock is ahead */
  see(publication: Served, user: UserKind, form: Form, days = 0): Promise<Outcomes> {
    return this.visit(publication, this.memoryOf(user), form, { days });
  }

  /** The same for somebody whose memory is `memory`, and goes on from there. @param root where their trust began */
  async visit(
    publication: Served,
    memory: Memory,
    form: Form,
    { days = 0, root = this.world.root }: { readonly days?: number; readonly root?: Uint8Array } = {},
  ): Promise<Outcomes> {
    const now = new Date(this.world.now.getTime() + days * DAY_MS);
    const installer = new MemoryInstaller({ root, memory, now, publication, form });
    const seen = STANDINGS.map(async (standing) => {
      this.asked++;
      return [standing, this.#outcome(standing, await installer.project(projectOfStanding(standing)))] as const;
    });
    return Object.fromEntries(await Promise.all(seen)) as Record<Standing, Outcome>;
  }

  /** What comes of a lie, told with the loot that matters for it. */
  async lie(loot: Loot, lever: Lever, backdrop: Backdrop, user: UserKind, form: Form): Promise<Outcomes> {
    return this.see(await this.forged(loot, lever, backdrop), user, form);
  }

  forged(loot: Loot, lever: Lever, backdrop: Backdrop): Promise<Publication> {
    const key = `${lever}, ${backdrop}, ${sharesOf(loot, usedFor(lever))}`;
    return once(this.#publications, key, () => forge(this.thief.with(loot), lever, backdrop));
  }

  /**
   * Honest roles under a newer timestamp and snapshot, valid for years, as well as the thief can sign them; without the key of snapshot,
   * the newest timestamp names an honest one, if there is one with these roles.
   */
  shown(loot: Loot, moment: Shown, version = VERSION): Promise<Publication> {
    const key = `show ${moment}, ${version}, ${sharesOf(loot, ['snapshot', 'timestamp'])}`;
    return once(this.#publications, key, () => {
      const thief = this.thief.with(loot);
      const { past, current } = this.world;
      const expires = new Date(this.world.now.getTime() + 3650 * DAY_MS);
      const honest = moment === 'past' ? past : current;
      const old = [...past.parts.listing].filter(([role]) => role === 'project.claimed');
      const mixed = moment === 'mixed';
      return honest.with({
        listing: mixed ? new Map([...honest.parts.listing, ...old]) : honest.parts.listing,
        snapshot:
          thief.share('snapshot') === 'enough' || mixed
            ? { version, expires, signers: thief.signers('snapshot') }
            : honest.parts.snapshot,
        timestamp: { version, expires, signers: thief.signers('timestamp') },
      });
    });
  }

  /** The honest state with one role less, under a timestamp and a snapshot of the thief's. */
  without(loot: Loot, role: string): Promise<Publication> {
    const thief = this.thief.with(loot);
    const top = { version: VERSION, expires: this.world.expiry('snapshot') };
    return this.world.current.with({
      listing: new Map([...this.world.current.parts.listing].filter(([each]) => each !== role)),
      snapshot: { ...top, signers: thief.signers('snapshot') },
      timestamp: { ...top, signers: thief.signers('timestamp') },
    });
  }

  #outcome(standing: Standing, said: Said): Outcome {
    if (typeof said === 'string') return 'refused';
    if (said.size === 0) return 'nothing';
    const isExactly = (files: readonly { distribution: { filename: string; sha256: string } }[]): boolean =>
      files.length === said.size &&
      files.every(({ distribution: { filename, sha256 } }) => said.get(filename) === sha256);
    if (isExactly(this.world.releases(standing))) return 'current';
    if (isExactly(this.world.releases(standing, 'past'))) return 'past';
    return isExactly(forgedReleases(this.thief, standing)) ? 'forged' : 'other';
  }
}

/** The keys that a lie needs at most. */
const usedFor = (lever: Lever): readonly KeyRole[] => (lever === 'root' ? ['root'] : [lever, 'snapshot', 'timestamp']);

const sharesOf = (loot: Loot, roles: readonly KeyRole[]): string =>
  roles.map((role) => `${role}: ${loot[role] ?? 'nothing'}`).join();

function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = made.get(key);
  if (known) return known;
  const promise = make();
  made.set(key, promise);
  return promise;
}

import { type KeyRole, type Keys, type KeySet, makeKeys, newKeys } from './keys.ts';
import { LIFETIMES, Maker, type Moment, releasesOf } from './maker.ts';
import type { OfferedFile, Standing } from './projects.ts';
import type { Listing, Publication, PublicationParts } from './publication.ts';

const DAY_MS = 86_400_000;

/** An honest index of the maximum security model as it was before the last offline signing, and as it is. Signed with real keys. */
export class World {
  readonly keys: Keys;
  readonly now: Date;
  /** The first root; there is no other. */
  readonly root: Uint8Array;
  readonly past: Publication;
  readonly current: Publication;

  static async make(now: Date = new Date(Math.floor(Date.now() / 1000) * 1000)): Promise<World> {
    const keys = await makeKeys();
    const maker = new Maker(keys, now);
    const root = await maker.root(1);
    const past = await maker.publication([root], 'past', 1);
    return new World(keys, now, root, past, await maker.publication([root], 'current', 2));
  }

  private constructor(keys: Keys, now: Date, root: Uint8Array, past: Publication, current: Publication) {
    this.keys = keys;
    this.now = now;
    this.root = root;
    this.past = past;
    this.current = current;
  }

  /** When what a role signs now ends. */
  expiry(role: KeyRole): Date {
    return new Date(this.now.getTime() + LIFETIMES[role] * DAY_MS);
  }

  /** The files that the index offers of a project. */
  releases(standing: Standing, moment: Moment = 'current'): readonly OfferedFile[] {
    return releasesOf(standing, moment, this.now);
  }

  /** What the honest index publishes next: the same roles under a timestamp and a snapshot of that version. */
  next(version: number, changes: Partial<Pick<PublicationParts, 'listing'>> = {}): Promise<Publication> {
    const { snapshot, timestamp } = this.current.parts;
    return this.current.with({ ...changes, snapshot: { ...snapshot, version }, timestamp: { ...timestamp, version } });
  }

  /** What the operators publish after a theft of online keys: everything signed with new ones, which a new root and new targets name. */
  recovered(): Promise<Publication> {
    return this.renewed(['timestamp', 'snapshot', 'recently-claimed', 'unclaimed']);
  }

  /** The same content under a second root, with new keys for some roles. */
  async renewed(roles: readonly KeyRole[]): Promise<Publication> {
    const keys: Record<KeyRole, KeySet> = { ...this.keys };
    for (const role of roles) keys[role] = await newKeys(role);
    const maker = new Maker(keys, this.now);
    return maker.publication([this.root, await maker.root(2)], 'current', 3);
  }

  /** The targets of before the operators chose the maximum security model: everything was `unclaimed`. */
  minimumTargets(): Promise<Listing> {
    return new Maker(this.keys, this.now).targets(1, 'minimum');
  }

  /** The next offline signing, which gives the project `claimed` to new keys. */
  async folded(successors: KeySet): Promise<Publication> {
    return new Maker(this.keys, this.now, successors).publication([this.root], 'current', 4);
  }
}

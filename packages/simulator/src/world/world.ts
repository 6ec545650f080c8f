import { CLOSED, closedRoleJson, type LeafContent, TOPS, type Top, topDelegations } from '@holdfast/trust';
import { rootJson, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';
import { type Keys, type KeyRole, type KeySet, makeKeys, publicKeys, roleKeysOf } from './keys.ts';
import {
  blobsOf,
  delegationsTo,
  type OfferedFile,
  release,
  signDelegate,
  signProject,
  type Standing,
  targetsOf,
} from './projects.ts';
import { type Listing, Publication, type SignedRole } from './publication.ts';
import { signTree } from './sign-tree.ts';

const DAY_MS = 86_400_000;

/** For how many days what a role signs is valid: about as the index and the operators do it, all different, so that one can tell what ended. */
export const LIFETIMES: Readonly<Record<KeyRole, number>> = {
  timestamp: 1,
  snapshot: 7,
  'recently-claimed': 89,
  unclaimed: 90,
  'rarely-updated': 362,
  claimed: 363,
  targets: 364,
  root: 365,
  delegate: 729,
  developer: 730,
};

/** Before the last offline signing, and since. */
export type Moment = 'past' | 'current';

const CLAIMED: readonly Standing[] = ['claimed', 'delegated', 'claimed-lately'];
const QUIET: readonly Standing[] = ['rarely-updated', 'rarely-updated-lately'];

/** Which projects the tree of a top has. */
function standingsIn(top: Top, moment: Moment): readonly Standing[] {
  const past = moment === 'past';
  const settled = (standing: Standing): boolean => !past || !standing.endsWith('-lately');
  if (top === 'claimed') return CLAIMED.filter(settled);
  if (top === 'rarely-updated') return QUIET.filter(settled);
  if (top === 'recently-claimed') return past ? [] : ['recently-claimed'];
  return past ? ['claimed-lately', 'rarely-updated-lately', 'recently-claimed', 'unclaimed'] : ['unclaimed'];
}

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
    const root = await maker.root();
    const past = await maker.publication(root, 'past');
    return new World(keys, now, root, past, await maker.publication(root, 'current'));
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
}

function releasesOf(standing: Standing, moment: Moment, now: Date): readonly OfferedFile[] {
  if (standing === 'new') return [];
  const versions = moment === 'past' ? ['1.0'] : ['1.0', '1.1'];
  return versions.map((version) => release(standing, version, 'its developers', now));
}

class Maker {
  readonly #keys: Keys;
  readonly #now: Date;

  constructor(keys: Keys, now: Date) {
    this.#keys = keys;
    this.#now = now;
  }

  async root(): Promise<Uint8Array> {
    const { root, timestamp, snapshot, targets } = this.#keys;
    const roles = { root, timestamp, snapshot, targets };
    const json = rootJson({
      version: 1,
      expires: this.#expiry('root'),
      consistentSnapshot: true,
      keys: [...publicKeys(...Object.values(roles)).values()],
      roles: {
        root: roleKeysOf(root),
        timestamp: roleKeysOf(timestamp),
        snapshot: roleKeysOf(snapshot),
        targets: roleKeysOf(targets),
      },
    });
    return signMetadata(json, root.signers);
  }

  async publication(root: Uint8Array, moment: Moment): Promise<Publication> {
    const version = moment === 'past' ? 1 : 2;
    const listing = new Map<string, SignedRole>();
    const add = (roles: Listing): void => roles.forEach((signed, role) => listing.set(role, signed));
    const trees = TOPS.map((top) => signTree(top, this.#content(top, moment), this.#signing(top, version)));
    (await Promise.all([this.#targets(), this.#closed(), ...trees])).forEach(add);
    const claimed = [...standingsIn('claimed', moment), ...standingsIn('recently-claimed', moment)];
    for (const standing of claimed) add(await this.#project(standing, moment, version));
    const all = TOPS.flatMap((top) => standingsIn(top, moment));
    return Publication.make({
      roots: [root],
      listing,
      snapshot: this.#signing('snapshot', version),
      timestamp: this.#signing('timestamp', version),
      blobs: blobsOf(all.flatMap((standing) => releasesOf(standing, moment, this.#now))),
    });
  }

  async #targets(): Promise<Listing> {
    const { claimed, 'rarely-updated': quiet, 'recently-claimed': recent, unclaimed } = this.#keys;
    const tops: Readonly<Record<Top, KeySet>> = {
      claimed,
      'rarely-updated': quiet,
      'recently-claimed': recent,
      unclaimed,
    };
    const holders = Object.fromEntries(TOPS.map((top) => [top, roleKeysOf(tops[top])]));
    const delegations = {
      keys: publicKeys(...Object.values(tops)),
      roles: topDelegations('maximum', holders),
    };
    const json = targetsJson({ version: 1, expires: this.#expiry('targets'), targets: new Map(), delegations });
    return new Map([['targets', { version: 1, bytes: await signMetadata(json, this.#keys.targets.signers) }]]);
  }

  async #closed(): Promise<Listing> {
    const { signers } = this.#keys['rarely-updated'];
    const json = closedRoleJson(1, this.#expiry('rarely-updated'));
    return new Map([[CLOSED, { version: 1, bytes: await signMetadata(json, signers) }]]);
  }

  #content(top: Top, moment: Moment): LeafContent {
    const standings = standingsIn(top, moment);
    if (top === 'claimed' || top === 'recently-claimed')
      return { projects: delegationsTo(standings, this.#keys.developer) };
    return { targets: targetsOf(standings.flatMap((standing) => releasesOf(standing, moment, this.#now))) };
  }

  async #project(standing: Standing, moment: Moment, version: number): Promise<Listing> {
    const releases = releasesOf(standing, moment, this.#now);
    const signing = this.#signing('developer', version);
    if (standing !== 'delegated') return signProject(standing, releases, signing);
    const own = await signProject(standing, [], signing, this.#keys.delegate);
    return new Map([...own, ...(await signDelegate(releases, this.#signing('delegate', version)))]);
  }

  #expiry(role: KeyRole): Date {
    return new Date(this.#now.getTime() + LIFETIMES[role] * DAY_MS);
  }

  #signing(
    role: KeyRole,
    version: number,
  ): { version: number; expires: Date; named: KeySet; signers: readonly Signer[] } {
    const named = this.#keys[role];
    return { version, expires: this.#expiry(role), named, signers: named.signers.slice(0, named.threshold) };
  }
}

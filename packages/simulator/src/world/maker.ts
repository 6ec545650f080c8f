import type { ProjectName } from '@holdfast/python-index';
import {
  CLOSED,
  closedRoleJson,
  type LeafContent,
  type ProjectDelegation,
  type SecurityModel,
  TOPS,
  type Top,
  topDelegations,
  topsOf,
} from '@holdfast/trust';
import { rootJson, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';
import { type KeyRole, type Keys, type KeySet, publicKeys, roleKeysOf } from './keys.ts';
import {
  blobsOf,
  delegationsTo,
  type OfferedFile,
  signDelegate,
  signProject,
  type Standing,
  targetsOf,
  wheelOf,
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
  'rarely-updated': 179,
  claimed: 180,
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

/** The files that the index offers of a project. */
export function releasesOf(standing: Standing, moment: Moment, now: Date): readonly OfferedFile[] {
  if (standing === 'new') return [];
  const versions = moment === 'past' ? ['1.0'] : ['1.0', '1.1'];
  return versions.map((version) => wheelOf(standing, version, 'its developers', now));
}

/** Signs everything that an honest index and its operators sign. */
export class Maker {
  readonly #keys: Keys;
  readonly #now: Date;
  readonly #successors: KeySet | undefined;

  /** @param successors whose keys the operators gave the project `claimed`, under the next name of its role */
  constructor(keys: Keys, now: Date, successors?: KeySet) {
    this.#keys = keys;
    this.#now = now;
    this.#successors = successors;
  }

  async root(version: number): Promise<Uint8Array> {
    const { root, timestamp, snapshot, targets } = this.#keys;
    const roles = { root, timestamp, snapshot, targets };
    const json = rootJson({
      version,
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
    return signMetadata(json, root.signers.slice(0, root.threshold));
  }

  async publication(roots: readonly Uint8Array[], moment: Moment, version: number): Promise<Publication> {
    const listing = new Map<string, SignedRole>();
    const add = (roles: Listing): void => roles.forEach((signed, role) => listing.set(role, signed));
    const trees = TOPS.map((top) => signTree(top, this.#content(top, moment), this.#signing(top, version)));
    (await Promise.all([this.targets(version), this.#closed(), ...trees])).forEach(add);
    const claimed = [...standingsIn('claimed', moment), ...standingsIn('recently-claimed', moment)];
    for (const standing of claimed) add(await this.#project(standing, moment, version));
    const all = TOPS.flatMap((top) => standingsIn(top, moment));
    return Publication.make({
      roots,
      listing,
      snapshot: this.#signing('snapshot', version),
      timestamp: this.#signing('timestamp', version),
      blobs: blobsOf(all.flatMap((standing) => releasesOf(standing, moment, this.#now))),
    });
  }

  async targets(version: number, model: SecurityModel = 'maximum'): Promise<Listing> {
    const {
      claimed,
      'rarely-updated': quiet,
      'recently-claimed': recent,
      unclaimed,
      targets: { signers, threshold },
    } = this.#keys;
    const tops: Readonly<Record<Top, KeySet>> = {
      claimed,
      'rarely-updated': quiet,
      'recently-claimed': recent,
      unclaimed,
    };
    const holders = Object.fromEntries(TOPS.map((top) => [top, roleKeysOf(tops[top])]));
    const keys = publicKeys(...topsOf(model).map((top) => tops[top]));
    const delegations = { keys, roles: topDelegations(model, holders) };
    const json = targetsJson({ version, expires: this.#expiry('targets'), targets: new Map(), delegations });
    return new Map([['targets', { version, bytes: await signMetadata(json, signers.slice(0, threshold)) }]]);
  }

  async #closed(): Promise<Listing> {
    const { signers } = this.#keys['rarely-updated'];
    const json = closedRoleJson(1, this.#expiry('rarely-updated'));
    return new Map([[CLOSED, { version: 1, bytes: await signMetadata(json, signers) }]]);
  }

  #content(top: Top, moment: Moment): LeafContent {
    const standings = standingsIn(top, moment);
    if (top === 'claimed' || top === 'recently-claimed')
      return { projects: new Map([...delegationsTo(standings, this.#keys.developer), ...this.#succeeded(top)]) };
    return { targets: targetsOf(standings.flatMap((standing) => releasesOf(standing, moment, this.#now))) };
  }

  #succeeded(top: Top): ReadonlyMap<ProjectName, ProjectDelegation> {
    if (top !== 'claimed' || this.#successors === undefined) return new Map();
    return delegationsTo(['claimed'], this.#successors, 2);
  }

  async #project(standing: Standing, moment: Moment, version: number): Promise<Listing> {
    const releases = releasesOf(standing, moment, this.#now);
    const signing = this.#signing('developer', version);
    if (standing === 'claimed' && this.#successors !== undefined) {
      const { signers } = this.#successors;
      return signProject(standing, releases, { ...signing, version: 1, signers }, { generation: 2 });
    }
    if (standing !== 'delegated') return signProject(standing, releases, signing);
    const own = await signProject(standing, [], signing, { delegate: this.#keys.delegate });
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

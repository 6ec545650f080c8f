import { CLOSED, closedRoleJson, RARELY_UPDATED, TOPS, type Top, topDelegations, UNCLAIMED } from '@holdfast/trust';
import { parseRoot, rootJson, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';
import { type KeySet, publicKeys, roleKeysOf } from '../world/keys.ts';
import {
  blobsOf,
  delegationsTo,
  type OfferedFile,
  signDelegate,
  signProject,
  type Standing,
  STANDINGS,
  targetsOf,
  wheelOf,
} from '../world/projects.ts';
import { type Listing, Publication, type SignedRole } from '../world/publication.ts';
import { signTree } from '../world/sign-tree.ts';
import type { Thief } from './thief.ts';

/** Whose say is used to bring in files: each is one way to lie. */
export const LEVERS = [
  'root',
  'targets',
  'claimed',
  'rarely-updated',
  'recently-claimed',
  'unclaimed',
  'developer',
  'delegate',
] as const;
export type Lever = (typeof LEVERS)[number];

/** What the other roles are: as they are now, as they once were, or, before the one that lies, not there. */
export const BACKDROPS = ['current', 'past', 'absent'] as const;
export type Backdrop = (typeof BACKDROPS)[number];

/** Higher than any honest version. */
const VERSION = 1000;
const YEARS_MS = 10 * 365 * 86_400_000;

/** What the thief wants people to install: another file in place of one that they know, a new one, and nothing else. */
export function forgedReleases({ world: { now } }: Thief, standing: Standing): readonly OfferedFile[] {
  return ['1.0', '6.6.6'].map((version) => wheelOf(standing, version, 'a thief', now));
}

/** An index as the thief serves it: every project has the thief's files, as far as one role can say so. */
export async function forge(thief: Thief, lever: Lever, backdrop: Backdrop): Promise<Publication> {
  const forger = new Forger(thief);
  const roles = await forger.pull(lever);
  const listing = new Map([...forger.backdrop(lever, backdrop), ...roles]);
  const own = lever === 'root';
  const { parts } = thief.world.current;
  return Publication.make({
    roots: own ? [...parts.roots, await forger.root()] : parts.roots,
    listing,
    snapshot: forger.signing(own ? thief.own.signers : thief.signers('snapshot')),
    timestamp: forger.signing(own ? thief.own.signers : thief.signers('timestamp')),
    blobs: new Map([...parts.blobs, ...blobsOf(STANDINGS.flatMap((standing) => forgedReleases(thief, standing)))]),
  });
}

class Forger {
  readonly #thief: Thief;
  readonly #expires: Date;

  constructor(thief: Thief) {
    this.#thief = thief;
    this.#expires = new Date(thief.world.now.getTime() + YEARS_MS);
  }

  signing(signers: readonly Signer[]): { version: number; expires: Date; signers: readonly Signer[] } {
    return { version: VERSION, expires: this.#expires, signers };
  }

  backdrop(lever: Lever, backdrop: Backdrop): Listing {
    const { past, current } = this.#thief.world;
    if (backdrop !== 'absent') return (backdrop === 'past' ? past : current).parts.listing;
    const at = TOPS.findIndex((top) => top === lever);
    const hidden = TOPS.slice(0, Math.max(0, at));
    const isHidden = (role: string): boolean =>
      hidden.some((top) => role === top || (role.startsWith(`${top}.`) && role !== CLOSED)) ||
      (role === CLOSED && hidden.includes(RARELY_UPDATED));
    return new Map([...current.parts.listing].filter(([role]) => !isHidden(role)));
  }

  /** The roles that lie. */
  async pull(lever: Lever): Promise<Listing> {
    const thief = this.#thief;
    if (lever === 'root' || lever === 'targets')
      return new Map([...(await this.#targets(lever)), ...(await this.#tree(UNCLAIMED, thief.own, thief.own.signers))]);
    if (lever === 'developer' || lever === 'delegate') return this.#projects(lever);
    return this.#tree(lever, thief.world.keys[lever], thief.signers(lever));
  }

  /** A root that hands everything to the thief. */
  async root(): Promise<Uint8Array> {
    const thief = this.#thief;
    const own = roleKeysOf(thief.own);
    const json = rootJson({
      version: parseRoot(thief.world.root).signed.version + 1,
      expires: this.#expires,
      consistentSnapshot: true,
      keys: [...publicKeys(thief.own).values()],
      roles: { root: own, timestamp: own, snapshot: own, targets: own },
    });
    return signMetadata(json, [...new Set([...thief.signers('root'), ...thief.own.signers])]);
  }

  /** Targets that hand every project to the thief. */
  async #targets(lever: 'root' | 'targets'): Promise<Listing> {
    const thief = this.#thief;
    const roles = topDelegations('minimum', { unclaimed: roleKeysOf(thief.own) });
    const delegations = { keys: publicKeys(thief.own), roles };
    const json = targetsJson({ version: VERSION, expires: this.#expires, targets: new Map(), delegations });
    const signers = lever === 'root' ? thief.own.signers : thief.signers('targets');
    return new Map([['targets', { version: VERSION, bytes: await signMetadata(json, signers) }]]);
  }

  async #tree(top: Top, named: KeySet, signers: readonly Signer[]): Promise<Listing> {
    const thief = this.#thief;
    const signing = { ...this.signing(signers), named };
    if (top === UNCLAIMED || top === RARELY_UPDATED) {
      const targets = targetsOf(STANDINGS.flatMap((standing) => forgedReleases(thief, standing)));
      const tree = await signTree(top, { targets }, signing);
      return top === UNCLAIMED ? tree : new Map([...tree, [CLOSED, await this.#closed(signers)]]);
    }
    const projects = delegationsTo(STANDINGS, thief.own);
    const own = STANDINGS.map((standing) => this.#project(standing, thief.own.signers));
    const roles = await Promise.all([signTree(top, { projects }, signing), ...own]);
    return new Map(roles.flatMap((each) => [...each]));
  }

  async #closed(signers: readonly Signer[]): Promise<SignedRole> {
    return { version: VERSION, bytes: await signMetadata(closedRoleJson(VERSION, this.#expires), signers) };
  }

  async #projects(lever: 'developer' | 'delegate'): Promise<Listing> {
    const thief = this.#thief;
    if (lever === 'delegate')
      return signDelegate(forgedReleases(thief, 'delegated'), this.signing(thief.signers('delegate')));
    const all = STANDINGS.map((standing) => this.#project(standing, thief.signers('developer')));
    return new Map((await Promise.all(all)).flatMap((each) => [...each]));
  }

  #project(standing: Standing, signers: readonly Signer[]): Promise<Listing> {
    return signProject(standing, forgedReleases(this.#thief, standing), this.signing(signers));
  }
}

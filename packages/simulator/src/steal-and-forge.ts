import { glob, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hash } from 'node:crypto';
import { parseDistributionFilename, type ProjectName } from '@holdfast/python-index';
import {
  type BinTree,
  binRoleJson,
  binRoleName,
  consistentTargetPath,
  encodeTarget,
  planLeaf,
  projectRole,
  readTree,
  RECENTLY_CLAIMED,
  type TargetPath,
  UNCLAIMED,
} from '@holdfast/trust';
import {
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  type Root,
  type RoleKeys,
  type Signer,
  signMetadata,
  type TargetFile,
  type Targets,
  targetsJson,
} from '@holdfast/tuf';
import { generateKey, readKeyFile } from '@holdfast/tuf/node';
import type { Attack } from './evil-mirror.ts';
import type { Release } from './forgery.ts';
import { publicKeys } from './world/keys.ts';
import { type Listing, Publication, type PublicationParts, type SignedRole } from './world/publication.ts';

/** What somebody makes of an index that they took over whole. */
export interface Theft {
  /** Which of the roles that were forged are signed with stolen keys; the others with a key of the thief's. */
  readonly signed: readonly string[];
  /** Which are not. */
  readonly unsigned: readonly string[];
  /** The forged index, on a mirror of it. */
  readonly attack: Attack;
}

/** How far the thief counts up, so that the index does not overtake. */
const AHEAD = 1000;
const YEAR_MS = 365 * 86_400_000;

/**
 * Takes everything out of the directory of an index whose objects are in it (online keys, metadata, files) and publishes `release` with it, in
 * every way at once: listed in `unclaimed`, its project claimed in `recently-claimed`, and signed as its developers would.
 * Works while the index is running.
 * @param passphrase of the online keys: it is on the machine as well
 */
export async function stealAndForge(directory: string, passphrase: string, release: Release): Promise<Theft> {
  const stolen = await StolenIndex.open(directory, passphrase);
  const { project } = parseDistributionFilename(release.filename);
  const sha256 = hash('sha256', release.bytes);
  const distribution = { project, filename: release.filename, sha256, size: release.bytes.length };
  const { path, file } = encodeTarget({ ...distribution, uploadTime: new Date() });
  const forged = await stolen.forge(project, path, file);
  const blobs = new Map([[`targets/${consistentTargetPath(path, sha256)}`, release.bytes]]);
  const publication = await stolen.publish(forged, blobs);
  const signed = ['timestamp', 'snapshot', ...forged.keys()].filter((role) => stolen.hasKeysOf(role));
  return {
    signed,
    unsigned: [...forged.keys()].filter((role) => !signed.includes(role)),
    attack: servedBy(publication),
  };
}

/**
 * The same thief, who lists what others signed elsewhere, such as for another index.
 * @param blobs distribution files, by their path below the index's address
 */
export async function stealAndReplay(
  directory: string,
  passphrase: string,
  replayed: Pick<PublicationParts, 'listing' | 'blobs'> & Partial<Pick<PublicationParts, 'roots'>>,
): Promise<Attack> {
  const stolen = await StolenIndex.open(directory, passphrase);
  const publication = await stolen.publish(replayed.listing, replayed.blobs);
  return servedBy(replayed.roots ? await publication.with({ roots: replayed.roots }) : publication);
}

function servedBy(publication: Publication): Attack {
  return (address, honest) => {
    const name = decodeURIComponent(address.slice(1));
    const body = name.startsWith('lookup/') ? publication.lookup(name) : publication.files.get(name);
    return body === undefined ? honest() : { status: 200, headers: new Map(), body };
  };
}

/** An index in a thief's hands. */
class StolenIndex {
  readonly #keys: readonly Signer[];
  readonly #own: Signer;
  readonly #roots: readonly Uint8Array[];
  readonly #root: Root;
  readonly #targets: Targets;
  readonly #listing: Listing;
  readonly #versions: { readonly snapshot: number; readonly timestamp: number };
  readonly #expires = new Date(Math.floor((Date.now() + YEAR_MS) / 1000) * 1000);

  static async open(directory: string, passphrase: string): Promise<StolenIndex> {
    const [found] = await Array.fromAsync(glob('**/metadata/timestamp.json', { cwd: directory }));
    if (found === undefined) throw new Error(`there is no published metadata in ${directory}`);
    const read = (name: string): Promise<Uint8Array> => readFile(join(directory, dirname(found), name));
    const keyFiles = (await readdir(join(directory, 'keys'))).map((name) => join(directory, 'keys', name));
    const keys = await Promise.all(keyFiles.map((file) => readKeyFile(file, passphrase)));
    const timestamp = parseTimestamp(await read('timestamp.json')).signed;
    const snapshot = parseSnapshot(await read(`${timestamp.snapshotMeta.version}.snapshot.json`)).signed;
    const listed = Array.from(snapshot.meta, async ([name, { version }]): Promise<readonly [string, SignedRole]> => {
      const bytes = await read(name.startsWith('rotate/') ? name : `${version}.${name}`);
      return [name.replace(/\.json$/, ''), { version, bytes }];
    });
    const roots = await rootsOf(read);
    const versions = { snapshot: snapshot.version, timestamp: timestamp.version };
    return new StolenIndex(keys, await generateKey('ed25519'), roots, new Map(await Promise.all(listed)), versions);
  }

  private constructor(
    keys: readonly Signer[],
    own: Signer,
    roots: readonly Uint8Array[],
    listing: Listing,
    versions: { readonly snapshot: number; readonly timestamp: number },
  ) {
    const [root, targets] = [roots.at(-1), listing.get('targets')?.bytes];
    if (root === undefined || targets === undefined) throw new Error('the index has no root or no targets');
    this.#keys = keys;
    this.#own = own;
    this.#roots = roots;
    this.#root = parseRoot(root).signed;
    this.#targets = parseTargets(targets).signed;
    this.#listing = listing;
    this.#versions = versions;
  }

  /** Whether what the thief signs as this role is believed. */
  hasKeysOf(role: string): boolean {
    const named = this.#named(role);
    return named !== undefined && this.#stolenFor(named).length >= named.threshold;
  }

  /** Every role that has to say something else for the file to be found. */
  async forge(project: ProjectName, path: TargetPath, file: TargetFile): Promise<Listing> {
    const forged = new Map<string, SignedRole>();
    const add = (roles: Listing): void => roles.forEach((signed, role) => forged.set(role, signed));
    add(await this.#signTree(UNCLAIMED, ({ targets }) => ({ targets: new Map([...targets, [path, file]]) })));
    if (this.#named(RECENTLY_CLAIMED) === undefined) return forged;
    const role = projectRole(project);
    const mine = { project, role, keys: [this.#own.key], threshold: 1 };
    add(
      await this.#signTree(RECENTLY_CLAIMED, ({ projects }) => ({ projects: new Map([...projects, [project, mine]]) })),
    );
    const version = this.#next(role);
    const json = targetsJson({ version, expires: this.#expires, targets: new Map([[path, file]]) });
    return forged.set(role, { version, bytes: await signMetadata(json, [this.#own]) });
  }

  publish(forged: Listing, blobs: ReadonlyMap<string, Uint8Array>): Promise<Publication> {
    const top = (role: 'timestamp' | 'snapshot') => ({
      version: this.#versions[role] + AHEAD,
      expires: this.#expires,
      signers: this.#signers(role),
    });
    return Publication.make({
      roots: this.#roots,
      listing: new Map([...this.#listing, ...forged]),
      snapshot: top('snapshot'),
      timestamp: top('timestamp'),
      blobs,
    });
  }

  async #signTree(
    top: typeof UNCLAIMED | typeof RECENTLY_CLAIMED,
    change: (tree: BinTree) => Pick<BinTree, 'targets'> | Pick<BinTree, 'projects'>,
  ): Promise<Listing> {
    const roleKeys = this.#named(top) ?? { keyids: [], threshold: 1 };
    const tree = readTree(top, roleKeys, (role) => {
      const listed = this.#listing.get(role);
      return listed && parseTargets(listed.bytes).signed;
    });
    const signers = this.#signers(top);
    const treeKeys = { roleKeys, keys: publicKeys({ signers, threshold: 1 }) };
    const signed = planLeaf('', change(tree)).map(async (bin): Promise<readonly [string, SignedRole]> => {
      const role = binRoleName(top, bin.prefix);
      const version = this.#next(role);
      const json = binRoleJson(top, bin, version, this.#expires, treeKeys);
      return [role, { version, bytes: await signMetadata(json, signers) }];
    });
    return new Map(await Promise.all(signed));
  }

  #next(role: string): number {
    return (this.#listing.get(role)?.version ?? 0) + 1;
  }

  #signers(role: string): readonly Signer[] {
    const named = this.#named(role);
    const stolen = named ? this.#stolenFor(named) : [];
    return stolen.length > 0 ? stolen : [this.#own];
  }

  #stolenFor({ keyids }: RoleKeys): readonly Signer[] {
    return this.#keys.filter(({ key }) => keyids.includes(key.keyid));
  }

  /** Who signs a role, as root or targets say; roles of projects are their developers'. */
  #named(role: string): RoleKeys | undefined {
    if (role === 'timestamp' || role === 'snapshot') return this.#root.roles.get(role);
    const [top] = role.split('.');
    return this.#targets.delegations?.roles.find(({ name }) => name === top);
  }
}

/** From version 1 on, as far as there are any. */
async function rootsOf(read: (name: string) => Promise<Uint8Array>): Promise<readonly Uint8Array[]> {
  const roots: Uint8Array[] = [];
  for (;;) {
    const next = await read(`${roots.length + 1}.root.json`).catch(() => undefined);
    if (next === undefined) return roots;
    roots.push(next);
  }
}

import { hash } from 'node:crypto';
import { asProjectName, normalizeName } from '@holdfast/python-index';
import { encodeLookup, projectBin, readAsker, rolesFor, SnapshotTree, snapshotTreeMember } from '@holdfast/trust';
import { type Signer, signMetadata, snapshotJson, timestampJson } from '@holdfast/tuf';

/** A signed role file, as a snapshot lists it. */
export interface SignedRole {
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** What one snapshot lists, by role; rotate files as `rotate/….rotate.1`. */
export type Listing = ReadonlyMap<string, SignedRole>;

/** Version, end and signers of a timestamp or a snapshot. */
export interface Top {
  readonly version: number;
  readonly expires: Date;
  readonly signers: readonly Signer[];
}

export interface PublicationParts {
  /** From version 1 on. */
  readonly roots: readonly Uint8Array[];
  readonly listing: Listing;
  readonly snapshot: Top;
  readonly timestamp: Top;
  /** Distribution files, by their path below the index's address. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** One state of an index as anybody can fetch it: files, with the whole snapshot, and lookups, with the snapshot tree. Nothing is checked. */
export class Publication {
  readonly parts: PublicationParts;
  /** By path below the index's address. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly #tree: SnapshotTree;

  private constructor(parts: PublicationParts, files: ReadonlyMap<string, Uint8Array>, tree: SnapshotTree) {
    this.parts = parts;
    this.files = files;
    this.#tree = tree;
  }

  static async make(parts: PublicationParts): Promise<Publication> {
    const { roots, listing, blobs } = parts;
    const tree = new SnapshotTree();
    const files = new Map(blobs);
    for (const [at, root] of roots.entries()) files.set(`metadata/${at + 1}.root.json`, root);
    files.set('metadata/root.json', roots.at(-1) ?? new Uint8Array());
    for (const [role, { version, bytes }] of listing) {
      files.set(`metadata/${isRotation(role) ? '' : `${version}.`}${role}.json`, bytes);
      tree.set({ role, version, length: bytes.length, sha256: hash('sha256', bytes) });
    }
    const tops = await signTops(parts, tree.commit());
    files.set(`metadata/${parts.snapshot.version}.snapshot.json`, tops.snapshot);
    files.set('metadata/timestamp.json', tops.timestamp);
    return new Publication(parts, files, tree);
  }

  /** The same, but for what is given. */
  with(changes: Partial<PublicationParts>): Promise<Publication> {
    return Publication.make({ ...this.parts, ...changes });
  }

  /** Answers `lookup/…`; `undefined` for another snapshot than this one. */
  lookup(address: string): Uint8Array | undefined {
    const [path = '', query] = address.split('?', 2);
    const [, root = '', name = ''] = path.split('/');
    const project = asProjectName(name) ?? normalizeName(name);
    const bin = projectBin(project);
    const listed = this.#tree.leadingTo(root, bin);
    const proof = this.#tree.prove(root, bin);
    if (!listed || !proof) return undefined;
    const have = new Set(readAsker(query === undefined ? '' : `?${query}`)?.have);
    const wanted = new Map(
      rolesFor(project, listed)
        .filter(({ sha256 }) => !have.has(sha256.slice(0, 8)))
        .map(({ role, sha256 }) => [sha256, this.parts.listing.get(role)?.bytes ?? new Uint8Array()]),
    );
    return encodeLookup({ proof, files: Array.from(wanted.values(), (bytes) => ({ bytes })) });
  }
}

const isRotation = (role: string): boolean => role.startsWith('rotate/');

async function signTops(
  { listing, snapshot, timestamp }: PublicationParts,
  tree: string,
): Promise<{ snapshot: Uint8Array; timestamp: Uint8Array }> {
  const meta = new Map(
    Array.from(listing, ([role, { version, bytes }]) => [
      `${role}.json`,
      { version, length: bytes.length, hashes: sha256(bytes) },
    ]),
  );
  const whole = await signMetadata(snapshotJson({ ...snapshot, meta }), snapshot.signers);
  const described = { version: snapshot.version, length: whole.length, hashes: sha256(whole) };
  const json = timestampJson({ ...timestamp, snapshot: described, extra: snapshotTreeMember(tree) });
  return { snapshot: whole, timestamp: await signMetadata(json, timestamp.signers) };
}

const sha256 = (bytes: Uint8Array): ReadonlyMap<string, string> => new Map([['sha256', hash('sha256', bytes)]]);

import { createHash } from 'node:crypto';
import type { ProjectName } from '@holdfast/python-index';
import {
  type JsonObject,
  type MetaFile,
  type MetadataFetcher,
  NotFoundError,
  type PublicKey,
  rootJson,
  type RoleKeys,
  rotationMeta,
  rotationPath,
  parseRotation,
  signMetadata,
  snapshotJson,
  targetsJson,
  timestampJson,
} from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import {
  BIN_DIGITS,
  type BinRole,
  binRoleJson,
  binRoleName,
  CLOSED,
  closedRoleJson,
  consistentTargetPath,
  type LeafContent,
  projectBin,
  type RoleHolders,
  type SecurityModel,
  type Top,
  TOPS,
  topDelegations,
  topsOf,
  type TargetPath,
} from '../src/index.ts';

/** Further away than the clocks of tests. */
const EXPIRES = new Date(Date.now() + 86_400_000);
const VALID = { version: 1, expires: EXPIRES };

const signers = new Map<string, LocalSigner>();
for (const name of ['online', 'root', 'targets', ...TOPS]) signers.set(name, await generateKey('ed25519'));

function signerOf(name: string): LocalSigner {
  const signer = signers.get(name);
  if (!signer) throw new RangeError(name);
  return signer;
}
const holdersOf = (name: string): RoleHolders & RoleKeys => ({ keyids: [signerOf(name).key.keyid], threshold: 1 });

/** A repository of any model and depth, with keys of its own for each top, as files that any TUF client can fetch. */
export class WholeRepository implements MetadataFetcher {
  readonly files = new Map<string, Uint8Array>();
  readonly root: Uint8Array;
  readonly #meta = new Map<string, MetaFile>();
  readonly #model: SecurityModel;

  private constructor(model: SecurityModel, root: Uint8Array) {
    this.#model = model;
    this.root = root;
    this.files.set('metadata/1.root.json', root);
  }

  static async begin(model: SecurityModel): Promise<WholeRepository> {
    const [online, offline, targets] = [signerOf('online'), signerOf('root'), signerOf('targets')];
    const roles = {
      root: holdersOf('root'),
      targets: holdersOf('targets'),
      timestamp: holdersOf('online'),
      snapshot: holdersOf('online'),
    };
    const keys = [online, offline, targets].map(({ key }) => key);
    const root = await signMetadata(rootJson({ ...VALID, consistentSnapshot: true, keys, roles }), [offline]);
    const repository = new WholeRepository(model, root);
    await repository.#delegateTops();
    return repository;
  }

  async #delegateTops(): Promise<void> {
    const tops = topsOf(this.#model);
    const keys = new Map(tops.map((top) => [signerOf(top).key.keyid, signerOf(top).key]));
    const roles = topDelegations(this.#model, Object.fromEntries(tops.map((top) => [top, holdersOf(top)])));
    const targets = targetsJson({ ...VALID, targets: new Map(), delegations: { keys, roles } });
    await this.#sign('targets', targets, signerOf('targets'));
    if (tops.includes('rarely-updated'))
      await this.#sign(CLOSED, closedRoleJson(1, EXPIRES), signerOf('rarely-updated'));
  }

  /** Signs a tree of which every leaf is `depth` digits deep, whatever its size. */
  async addTree(top: Top, content: LeafContent, depth: number): Promise<void> {
    for (const bin of treeOf(content, depth)) await this.#addBin(top, bin);
  }

  /** Signs the deepest way that leads to a project: six branches of one child each, and a leaf with this content. */
  async addWay(top: Top, project: ProjectName, content: LeafContent): Promise<void> {
    const bin = projectBin(project);
    for (let depth = 0; depth < BIN_DIGITS; depth++)
      await this.#addBin(top, { prefix: bin.slice(0, depth), digits: bin.charAt(depth) });
    await this.#addBin(top, { prefix: bin, ...content });
  }

  async #addBin(top: Top, bin: BinRole): Promise<void> {
    const { key } = signerOf(top);
    const treeKeys = { roleKeys: holdersOf(top), keys: new Map<string, PublicKey>([[key.keyid, key]]) };
    await this.#sign(binRoleName(top, bin.prefix), binRoleJson(top, bin, 1, EXPIRES, treeKeys), signerOf(top));
  }

  async #sign(role: string, signed: JsonObject, signer: LocalSigner): Promise<void> {
    this.addRole(role, await signMetadata(signed, [signer]));
  }

  /** The first version of a role, as somebody signed it. */
  addRole(role: string, bytes: Uint8Array): void {
    this.files.set(`metadata/1.${role}.json`, bytes);
    this.#meta.set(`${role}.json`, { version: 1 });
  }

  async addRotation(bytes: Uint8Array): Promise<void> {
    const { role, version } = parseRotation(bytes).signed;
    this.files.set(`metadata/${rotationPath(role, version)}`, bytes);
    this.#meta.set(...(await rotationMeta(bytes)));
  }

  addContent(path: TargetPath, content: Uint8Array): void {
    const sha256 = createHash('sha256').update(content).digest('hex');
    this.files.set(`targets/${consistentTargetPath(path, sha256)}`, content);
  }

  /** Signs snapshot and timestamp. */
  async publish(): Promise<void> {
    const online = signerOf('online');
    const snapshot = await signMetadata(snapshotJson({ ...VALID, meta: this.#meta }), [online]);
    this.files.set('metadata/1.snapshot.json', snapshot);
    const meta = { version: 1, length: snapshot.length };
    this.files.set(
      'metadata/timestamp.json',
      await signMetadata(timestampJson({ ...VALID, snapshot: meta }), [online]),
    );
  }

  async fetch(path: string): Promise<Uint8Array> {
    const bytes = this.files.get(`metadata/${path}`);
    if (!bytes) throw new NotFoundError(path);
    return bytes;
  }
}

/** The roles of a tree with all leaves at one depth: as a large one has them, without its size. */
function treeOf(content: LeafContent, depth: number): BinRole[] {
  const leaves = new Map<string, LeafContent>();
  const binOf = (name: string): string => name.slice(0, depth);
  if ('targets' in content) {
    for (const [path, file] of content.targets) {
      const leaf = leaves.get(binOf(path.slice(0, BIN_DIGITS)));
      const targets = new Map(leaf && 'targets' in leaf ? leaf.targets : []).set(path, file);
      leaves.set(binOf(path.slice(0, BIN_DIGITS)), { targets });
    }
  } else {
    for (const [project, delegation] of content.projects) {
      const leaf = leaves.get(binOf(projectBin(project)));
      const projects = new Map(leaf && 'projects' in leaf ? leaf.projects : []).set(project, delegation);
      leaves.set(binOf(projectBin(project)), { projects });
    }
  }
  const branches = new Map<string, Set<string>>();
  for (const prefix of leaves.keys()) {
    for (let length = 0; length < depth; length++) {
      const digits = branches.get(prefix.slice(0, length)) ?? new Set();
      branches.set(prefix.slice(0, length), digits.add(prefix.charAt(length)));
    }
  }
  if (leaves.size === 0) return [{ prefix: '', ...content }];
  return [
    ...Array.from(leaves, ([prefix, leaf]) => ({ prefix, ...leaf })),
    ...Array.from(branches, ([prefix, digits]) => ({ prefix, digits: [...digits].sort().join('') })),
  ];
}

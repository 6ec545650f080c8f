import { hash } from 'node:crypto';
import {
  type BinRole,
  binRoleJson,
  binRoleName,
  encodeTarget,
  minimumDelegations,
  planLeaf,
  projectBin,
  SnapshotTree,
  snapshotTreeMember,
  type TargetPath,
  UNCLAIMED,
} from '@holdfast/trust';
import { type JsonObject, signMetadata, type TargetFile, targetsJson, timestampJson } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import type { PopulationFile } from '../population/files.ts';
import type { Population, PopulationProject } from '../population/population.ts';

/** A large enough population is planned in pieces: above this many digits of the bin every role is a branch. */
const PIECE_DIGITS = 3;
const PIECED_FROM = 1_000_000;
/** Pieces that are planned only to count their roles. */
const SAMPLED_PIECES = 64;

/**
 * The metadata of a population: the roles that lead to the measured projects as they are served, signed with a real key; of all others
 * the place in the snapshot tree, with some hash. A piece of the tree that no measured project is in is one role with some hash: in the
 * proofs of all other pieces it is a hash either way. Nothing on the wire is longer or shorter for that.
 */
export class Repository {
  readonly population: Population;
  readonly tree = new SnapshotTree();
  /** By role name: signed bytes of each role on the way to a measured project. */
  readonly roles = new Map<string, Uint8Array>();
  root = '';
  /** How many roles the whole population has, from a sample of its pieces. */
  estimatedRoles = 0;
  /** Files of the pieces that were planned. */
  seenFiles = 0;
  readonly #online: LocalSigner;
  readonly #measured: ReadonlySet<string>;
  readonly #kept = new Map<string, BinRole>();

  private constructor(population: Population, measured: ReadonlySet<string>, online: LocalSigner) {
    this.population = population;
    this.#measured = measured;
    this.#online = online;
  }

  /** @param onFile sees the files of the pieces that are planned */
  static async build(
    population: Population,
    measured: readonly PopulationProject[],
    onFile: (file: PopulationFile) => void,
  ): Promise<Repository> {
    const prefixes = new Set<string>();
    for (const { name } of measured)
      for (let digits = 0; digits <= 6; digits++) prefixes.add(projectBin(name).slice(0, digits));
    const [online, offline] = [await generateKey('ed25519'), await generateKey('ed25519')];
    const repository = new Repository(population, prefixes, online);
    await repository.#plan(onFile);
    const holders = { keyids: [online.key.keyid], threshold: 1 };
    const delegations = { keys: new Map([[online.key.keyid, online.key]]), roles: minimumDelegations(holders) };
    await repository.#add('targets', targetsJson({ ...validity(1), targets: new Map(), delegations }), offline);
    repository.root = repository.tree.commit();
    return repository;
  }

  /** What a lookup of the project proves. */
  proof({ name }: PopulationProject): Uint8Array {
    const proof = this.tree.prove(this.root, projectBin(name));
    if (!proof) throw new Error('the snapshot is not kept');
    return proof;
  }

  /** The roles from `targets` to the leaf of a measured project, with their bytes. */
  pathTo({
    name,
  }: PopulationProject): { readonly role: string; readonly sha256: string; readonly bytes: Uint8Array }[] {
    return (this.tree.leadingTo(this.root, projectBin(name)) ?? []).map(({ role, sha256 }) => {
      const bytes = this.roles.get(role);
      if (!bytes) throw new Error(`${role} was not kept`);
      return { role, sha256, bytes };
    });
  }

  /** The same role as `bytes`, as it was: under the version before, and without one of its targets. */
  async before(role: string, without?: string): Promise<Uint8Array> {
    const bin = this.#kept.get(role);
    if (!bin) throw new Error(`${role} is no role of the bin tree on a measured path`);
    const older = 'targets' in bin ? { ...bin, targets: leaving(bin.targets, without) } : bin;
    return this.#sign(this.#json(older, 1), this.#online);
  }

  async timestamp(): Promise<Uint8Array> {
    const meta = { version: 123_456, length: 28_000_000, hashes: new Map([['sha256', hash('sha256', 'snapshot')]]) };
    const extra = snapshotTreeMember(this.root);
    return signMetadata(timestampJson({ ...validity(20_123_456), snapshot: meta, extra }), [this.#online]);
  }

  async #plan(onFile: (file: PopulationFile) => void): Promise<void> {
    const { population } = this;
    const digits = population.files >= PIECED_FROM ? PIECE_DIGITS : 0;
    const pieces = new Map<string, number[]>();
    for (let number = 0; number < population.projects; number++) {
      const piece = projectBin(population.project(number).name).slice(0, digits);
      const numbers = pieces.get(piece);
      if (numbers) numbers.push(number);
      else pieces.set(piece, [number]);
    }
    let [counted, roles] = [0, 0];
    for (const [at, [piece, numbers]] of [...pieces].sort(([a], [b]) => (a < b ? -1 : 1)).entries()) {
      const sampled = at % Math.ceil(pieces.size / SAMPLED_PIECES) === 0;
      if (!sampled && !this.#measured.has(piece)) {
        this.#addUnseen(piece);
        continue;
      }
      const targets = new Map<TargetPath, TargetFile>();
      for (const number of numbers) this.#collect(number, targets, onFile);
      const bins = planLeaf(piece, { targets });
      for (const bin of bins) await this.#addBin(bin);
      if (sampled) [counted, roles] = [counted + 1, roles + bins.length];
    }
    this.estimatedRoles = Math.round((roles / counted) * pieces.size);
    for (let length = digits - 1; length >= 0; length--) {
      for (const [prefix, below] of branchesOf(pieces.keys(), length))
        await this.#addBin({ prefix, digits: [...below].sort().join('') });
    }
  }

  #collect(number: number, targets: Map<TargetPath, TargetFile>, onFile: (file: PopulationFile) => void): void {
    for (const made of this.population.filesOf(this.population.project(number))) {
      const { path, file } = encodeTarget({
        project: made.project,
        filename: made.filename,
        sha256: made.sha256,
        size: made.size,
        uploadTime: new Date(made.upload_time),
        ...(made.requires_python !== undefined && { requiresPython: made.requires_python }),
        ...(made.yanked !== undefined && { yanked: made.yanked }),
        ...(made.core_metadata && { coreMetadata: made.core_metadata }),
      });
      targets.set(path, file);
      onFile(made);
      this.seenFiles++;
    }
  }

  async #addBin(bin: BinRole): Promise<void> {
    const role = binRoleName(UNCLAIMED, bin.prefix);
    if (!this.#measured.has(bin.prefix)) return this.#addUnseen(bin.prefix);
    this.#kept.set(role, bin);
    await this.#add(role, this.#json(bin, 2), this.#online);
  }

  #addUnseen(prefix: string): void {
    const role = binRoleName(UNCLAIMED, prefix);
    this.tree.set({ role, version: 2, length: 9_000, sha256: hash('sha256', role) });
  }

  async #add(role: string, signed: JsonObject, signer: LocalSigner): Promise<void> {
    const bytes = await this.#sign(signed, signer);
    this.roles.set(role, bytes);
    this.tree.set({ role, version: 2, length: bytes.length, sha256: hash('sha256', bytes) });
  }

  #sign(signed: JsonObject, signer: LocalSigner): Promise<Uint8Array> {
    return signMetadata(signed, [signer]);
  }

  #json(bin: BinRole, version: number): JsonObject {
    const { key } = this.#online;
    const { expires } = validity(version);
    const roleKeys = { keyids: [key.keyid], threshold: 1 };
    return binRoleJson(UNCLAIMED, bin, version, expires, { roleKeys, keys: new Map([[key.keyid, key]]) });
  }
}

/** The prefixes of `length` digits, each with the digits that follow it. */
function branchesOf(pieces: Iterable<string>, length: number): ReadonlyMap<string, ReadonlySet<string>> {
  const branches = new Map<string, Set<string>>();
  for (const piece of pieces) {
    const prefix = piece.slice(0, length);
    branches.set(prefix, (branches.get(prefix) ?? new Set()).add(piece.charAt(length)));
  }
  return branches;
}

const validity = (version: number) => ({ version, expires: new Date(Date.UTC(2027, 0, 1 + (version % 60))) });

const leaving = (
  targets: ReadonlyMap<TargetPath, TargetFile>,
  without: string | undefined,
): ReadonlyMap<TargetPath, TargetFile> => new Map([...targets].filter(([path]) => path !== without));

import type { ProjectName } from '@holdfast/python-index';
import { projectBin, type RoleEntry, rolesFor } from '@holdfast/trust';
import { ByteLru, type CacheCounts } from './byte-lru.ts';
import { CodedFiles, type RoleVersion } from './coded-files.ts';
import { Deltas } from './deltas.ts';
import { exactly } from './exactly.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { roleKey } from './publish/publications.ts';
import type { RoleTable } from './publish/role-table.ts';
import type { Records } from './records/records.ts';

/** Bytes of a role that this index made itself; a branch with many files of one project may be large. */
const MAX_ROLE_BYTES = 64 << 20;
/** Bytes of roles that are kept in memory, for deltas and for who reads no coded files. */
const KEPT_BYTES = 32 << 20;
/** What one of them costs beside its bytes, with its key. */
const ROLE_COST = 400;

/** What a snapshot says about one project: the proof, and every role that can answer. */
export interface ProjectLookup {
  readonly proof: Uint8Array;
  /** `targets` is the first. */
  readonly roles: readonly RoleFile[];
}

/** The file of a role that a snapshot lists. */
export interface RoleFile extends RoleEntry {
  read(): Promise<Uint8Array>;
  /** The newest of the older versions that the asker holds. */
  older(holds: (sha256: string) => boolean): Promise<RoleVersion | undefined>;
  /** The coded file: docs/formats/lookup.md, "Coded files". `undefined` when the index does not have the base any more. */
  coded(base: RoleVersion | undefined): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** The published metadata, by role name. The newest bytes of the top-level roles are kept in memory. */
export class PublishedMetadata {
  readonly #objects: ObjectStore;
  readonly #table: RoleTable;
  readonly #kept = new Map<string, { readonly version: number; readonly bytes: Uint8Array }>();
  readonly #roles = new ByteLru<Uint8Array>(KEPT_BYTES);
  readonly #coded = new CodedFiles();
  readonly #deltas: Deltas;
  /** The newest root that is published; empty while an index is being made. */
  root: Uint8Array;

  constructor(objects: ObjectStore, table: RoleTable, root: Uint8Array, records: Pick<Records, 'read'>) {
    this.#objects = objects;
    this.#table = table;
    this.root = root;
    this.#deltas = new Deltas(records);
  }

  /** Of the roles that lookups read. */
  get counts(): CacheCounts {
    return this.#roles.counts;
  }

  /** Of the coded files of roles. */
  get codedCounts(): CacheCounts {
    return this.#coded.counts;
  }

  /** The newest published metadata of a role, such as `timestamp` or `unclaimed`. */
  async newest(role: string): Promise<Uint8Array | undefined> {
    if (role === 'root') return this.root;
    const version = this.#table.version(role);
    if (version === undefined) return undefined;
    const kept = this.#kept.get(role);
    if (kept?.version === version) return kept.bytes;
    const bytes = await this.#objects.get(roleKey(role, version), { maxLength: MAX_ROLE_BYTES });
    if (bytes && (role === 'timestamp' || role === 'snapshot' || role === 'targets'))
      this.#kept.set(role, { version, bytes });
    return bytes;
  }

  /**
   * Every role that can answer for a project in the snapshot with this root hash.
   * @returns `undefined` when that snapshot is not kept any more
   */
  lookup(rootHash: string, project: ProjectName): ProjectLookup | undefined {
    const bin = projectBin(project);
    const proof = this.#table.prove(rootHash, bin);
    if (proof === undefined) return undefined;
    const roles = rolesFor(project, this.#table.leadingTo(rootHash, bin)).map((entry) => this.#file(entry));
    const first = roles.filter(({ role }) => role === 'targets');
    return { proof, roles: [...first, ...roles.filter(({ role }) => role !== 'targets')] };
  }

  #file(entry: RoleEntry): RoleFile {
    const { role, version, sha256 } = entry;
    const listed = async (bytes: Promise<Uint8Array | undefined>): Promise<Uint8Array> => {
      const found = await bytes;
      if (!found) throw new Error(`${roleKey(role, version)} is listed and not in the object store`);
      return found;
    };
    // What is coded is kept in that form.
    const source = { role, version, sha256, read: () => listed(this.#stored(role, version)) };
    return {
      ...entry,
      read: () => listed(this.#version(role, version)),
      older: async (holds) => {
        const older = await this.#deltas.dictionary(role, version, holds);
        return older && { role, ...older };
      },
      coded: (base) =>
        this.#coded.get(source, base && { ...versionOf(base), read: () => this.#version(base.role, base.version) }),
    };
  }

  /** A version of a role as a zstd delta against an older one with this SHA-256; `undefined` when there is none. */
  async delta(role: string, version: number, dictionary: string): Promise<Uint8Array | undefined> {
    const found = await this.#deltas.dictionary(role, version, (sha256) => sha256 === dictionary);
    return found && this.#deltas.delta(role, version, found, (other) => this.#version(role, other));
  }

  async #version(role: string, version: number): Promise<Uint8Array | undefined> {
    const key = roleKey(role, version);
    const kept = this.#roles.get(key);
    if (kept) return kept;
    const bytes = await this.#stored(role, version);
    // A flat snapshot would put everything else out.
    if (bytes && bytes.length <= KEPT_BYTES / 16) this.#roles.set(key, exactly(bytes), bytes.length + ROLE_COST);
    return bytes;
  }

  #stored(role: string, version: number): Promise<Uint8Array | undefined> {
    return this.#objects.get(roleKey(role, version), { maxLength: MAX_ROLE_BYTES });
  }
}

const versionOf = ({ role, version, sha256 }: RoleVersion): RoleVersion => ({ role, version, sha256 });

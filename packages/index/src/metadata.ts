import type { ProjectName } from '@holdfast/python-index';
import { projectBin, rolesFor } from '@holdfast/trust';
import { ByteLru, type CacheCounts } from './byte-lru.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { roleKey } from './publish/publications.ts';
import type { RoleTable } from './publish/role-table.ts';

/** Bytes of a role that this index made itself; a branch with many files of one project may be large. */
const MAX_ROLE_BYTES = 64 << 20;
/** Bytes of roles that are kept in memory for lookups. */
const KEPT_BYTES = 64 << 20;

/** What a snapshot says about one project: the proof, and every role that can answer, by the SHA-256 of its file. */
export interface ProjectLookup {
  readonly proof: Uint8Array;
  readonly roles: readonly { readonly sha256: string; read(): Promise<Uint8Array> }[];
}

/** The published metadata, by role name. The newest bytes of the top-level roles are kept in memory. */
export class PublishedMetadata {
  readonly #objects: ObjectStore;
  readonly #table: RoleTable;
  readonly #kept = new Map<string, { readonly version: number; readonly bytes: Uint8Array }>();
  readonly #roles = new ByteLru<Uint8Array>(KEPT_BYTES);
  /** The newest root that is published; empty while an index is being made. */
  root: Uint8Array;

  constructor(objects: ObjectStore, table: RoleTable, root: Uint8Array) {
    this.#objects = objects;
    this.#table = table;
    this.root = root;
  }

  /** Of the roles that lookups read. */
  get counts(): CacheCounts {
    return this.#roles.counts;
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
    const roles = rolesFor(project, this.#table.leadingTo(rootHash, bin)).map(({ role, version, sha256 }) => ({
      sha256,
      read: () => this.#role(role, version),
    }));
    return { proof, roles };
  }

  async #role(role: string, version: number): Promise<Uint8Array> {
    const key = roleKey(role, version);
    const kept = this.#roles.get(key);
    if (kept) return kept;
    const bytes = await this.#objects.get(key, { maxLength: MAX_ROLE_BYTES });
    if (!bytes) throw new Error(`${key} is listed and not in the object store`);
    this.#roles.set(key, bytes, bytes.length);
    return bytes;
  }
}

import type { ObjectStore } from './objects/object-store.ts';
import { roleKey } from './publish/publications.ts';
import type { RoleTable } from './publish/role-table.ts';

/** Bytes of a role that this index made itself; a branch with many files of one project may be large. */
const MAX_ROLE_BYTES = 64 << 20;

/** The published metadata, by role name. The newest bytes of the top-level roles are kept in memory. */
export class PublishedMetadata {
  readonly #objects: ObjectStore;
  readonly #table: RoleTable;
  readonly #kept = new Map<string, { readonly version: number; readonly bytes: Uint8Array }>();
  /** The newest root that is published; empty while an index is being made. */
  root: Uint8Array;

  constructor(objects: ObjectStore, table: RoleTable, root: Uint8Array) {
    this.#objects = objects;
    this.#table = table;
    this.root = root;
  }

  /** The newest published metadata of a role, such as `timestamp` or `unclaimed`. */
  async newest(role: string): Promise<Uint8Array | undefined> {
    if (role === 'root') return this.root;
    const version = this.#table.get(role)?.version;
    if (version === undefined) return undefined;
    const kept = this.#kept.get(role);
    if (kept?.version === version) return kept.bytes;
    const bytes = await this.#objects.get(roleKey(role, version), { maxLength: MAX_ROLE_BYTES });
    if (bytes && (role === 'timestamp' || role === 'snapshot' || role === 'targets'))
      this.#kept.set(role, { version, bytes });
    return bytes;
  }
}

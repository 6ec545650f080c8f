import { hash } from 'node:crypto';
import { binRoleName, leafPrefix, type RoleEntry, SnapshotTree, UNCLAIMED } from '@holdfast/trust';
import type { Records } from '../records/records.ts';

/** The two roles that no snapshot lists. */
export type OnlineRole = 'timestamp' | 'snapshot';

export interface OnlineVersion {
  readonly version: number;
  /** Milliseconds since 1970 UTC. */
  readonly expiresAt: number;
}

/** A role as a publication shows it. */
export interface PublishedRole extends OnlineVersion {
  readonly role: string;
  readonly bytes: Uint8Array;
}

/** Rows that are read at once when the table is filled. */
const PAGE = 5_000;

/**
 * Every published role and its version, in memory: what a snapshot lists, as a tree. It changes when a publication is complete,
 * so it always says what everyone can fetch. About 300 bytes a role.
 */
export class RoleTable {
  readonly #tree = new SnapshotTree();
  readonly #online = new Map<string, OnlineVersion>();
  #root = this.#tree.commit();
  /** The publication that {@link preview} saw last, and the root hash that it leads to. */
  #previewed: { readonly id: number; readonly root: string } | undefined;

  static async load(records: Records): Promise<RoleTable> {
    const table = new RoleTable();
    for (let after = ''; ; ) {
      const rows = await records.read
        .selectFrom('roles')
        .select((eb) => [
          'role',
          'version',
          'expires_at',
          'sha256',
          eb.fn<number>('octet_length', ['bytes']).as('length'),
        ])
        .where('role', '>', after)
        .orderBy('role')
        .limit(PAGE)
        .execute();
      for (const { role, version, expires_at, sha256, length } of rows) {
        if (isOnline(role)) table.#online.set(role, { version, expiresAt: expires_at });
        else table.#tree.set({ role, version, length, sha256 });
      }
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) {
        table.#root = table.#tree.commit();
        return table;
      }
      after = last.role;
    }
  }

  /** The root hash of the tree of what is published. */
  get root(): string {
    return this.#root;
  }

  /** How many roles the snapshot lists. */
  get size(): number {
    return this.#tree.size;
  }

  online(role: OnlineRole): OnlineVersion | undefined {
    return this.#online.get(role);
  }

  version(role: string): number | undefined {
    return this.#online.get(role)?.version ?? this.#tree.get(role)?.version;
  }

  nextVersion(role: string): number {
    return (this.version(role) ?? 0) + 1;
  }

  /** What the snapshot lists. */
  entries(): Iterable<RoleEntry> {
    return this.#tree.entries();
  }

  /** The root hash that the tree will have once these roles are published, as the publication with this id. */
  preview(id: number, roles: readonly PublishedRole[]): string {
    this.#set(roles);
    const root = this.#tree.commit();
    this.#tree.checkout(this.#root);
    this.#previewed = { id, root };
    return root;
  }

  /** These roles are published now. */
  publish(id: number, roles: readonly PublishedRole[]): void {
    for (const { role, version, expiresAt } of roles)
      if (isOnline(role)) this.#online.set(role, { version, expiresAt });
    const previewed = this.#previewed?.id === id && this.#tree.checkout(this.#previewed.root);
    if (!previewed) this.#set(roles);
    this.#root = this.#tree.commit();
  }

  /** Proves what a recent snapshot lists for a bin; `undefined` when it is not kept any more. */
  prove(root: string, bin: string): Uint8Array | undefined {
    return this.#tree.prove(root, bin);
  }

  /** The roles that {@link prove} shows. */
  leadingTo(root: string, bin: string): readonly RoleEntry[] {
    return this.#tree.leadingTo(root, bin) ?? [];
  }

  /** A branch has all 16 children from the moment when it becomes one. */
  isBranch(prefix: string): boolean {
    return this.#tree.get(binRoleName(UNCLAIMED, `${prefix}0`)) !== undefined;
  }

  /** The hex prefix of the leaf that holds a bin, given as 6 hex digits. */
  leafOf(bin: string): string {
    return leafPrefix(bin, (prefix) => this.isBranch(prefix));
  }

  #set(roles: readonly PublishedRole[]): void {
    for (const { role, version, bytes } of roles)
      if (!isOnline(role)) this.#tree.set({ role, version, length: bytes.length, sha256: hash('sha256', bytes) });
  }
}

function isOnline(role: string): role is OnlineRole {
  return role === 'timestamp' || role === 'snapshot';
}

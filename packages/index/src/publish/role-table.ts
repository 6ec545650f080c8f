import { binRoleName, leafPrefix, UNCLAIMED } from '@holdfast/trust';
import type { Records } from '../records/records.ts';

/** What is published of a role. */
export interface RoleEntry {
  readonly version: number;
  /** Milliseconds since 1970 UTC. */
  readonly expiresAt: number;
}

/** Rows that are read at once when the table is filled. */
const PAGE = 5_000;

/**
 * Every published role and its version, in memory: what a snapshot lists. It changes when a publication is complete, so
 * it always says what everyone can fetch. About 100 bytes a role.
 */
export class RoleTable {
  readonly #roles = new Map<string, RoleEntry>();

  static async load(records: Records): Promise<RoleTable> {
    const table = new RoleTable();
    for (let after = ''; ; ) {
      const rows = await records.read
        .selectFrom('roles')
        .select(['role', 'version', 'expires_at'])
        .where('role', '>', after)
        .orderBy('role')
        .limit(PAGE)
        .execute();
      for (const row of rows) table.set(row.role, { version: row.version, expiresAt: row.expires_at });
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) return table;
      after = last.role;
    }
  }

  get(role: string): RoleEntry | undefined {
    return this.#roles.get(role);
  }

  set(role: string, entry: RoleEntry): void {
    this.#roles.set(role, entry);
  }

  nextVersion(role: string): number {
    return (this.#roles.get(role)?.version ?? 0) + 1;
  }

  entries(): IterableIterator<[string, RoleEntry]> {
    return this.#roles.entries();
  }

  /** A branch has all 16 children from the moment when it becomes one. */
  isBranch(prefix: string): boolean {
    return this.#roles.has(binRoleName(UNCLAIMED, `${prefix}0`));
  }

  /** The hex prefix of the leaf that holds a bin, given as 6 hex digits. */
  leafOf(bin: string): string {
    return leafPrefix(bin, (prefix) => this.isBranch(prefix));
  }
}

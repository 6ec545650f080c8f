import { setImmediate } from 'node:timers/promises';
import {
  BIN_DIGITS,
  binPrefix,
  binRoleName,
  DIGITS,
  leafPrefix,
  type RoleEntry,
  SnapshotTree,
  type Top,
} from '@holdfast/trust';
import type { Records } from '../records/records.ts';
import type { RolesTable } from '../records/schema.ts';
import { newestPublication } from './newest-publication.ts';
import type { SignedRole } from './sign-roles.ts';

/** The two roles that no snapshot lists. */
export type OnlineRole = 'timestamp' | 'snapshot';

/** A role as a publication shows it, without its bytes. */
export type PublishedRole = Omit<SignedRole, 'bytes'>;

/** What one publication makes of the table. */
export interface Shown {
  /** Of the publication. */
  readonly id: number;
  /** The publication whose roles the snapshot lists that its timestamp names. */
  readonly lists: number;
  readonly roles: readonly PublishedRole[];
  /** Roles that leave the bin tree. */
  readonly retired: readonly string[];
}

/** Rows that are read at once when the table is filled. */
const PAGE = 5_000;

/**
 * Every published role and its version, in memory: what clients are shown, as a tree. It changes when a publication is complete,
 * so it always says what everyone can fetch. About 170 bytes a role.
 */
export class RoleTable {
  readonly #tree = new SnapshotTree();
  readonly #online = new Map<string, PublishedRole>();
  /** Roles that left the bin tree, by their last version. The flat snapshot goes on listing them. */
  readonly #retired = new Map<string, number>();
  #root = this.#tree.commit();
  /** The publication that {@link preview} saw last, and the root hash that it leads to. */
  #previewed: { readonly id: number; readonly root: string } | undefined;
  /** The newest publication, the newest one that changed the tree, and that whose roles the flat snapshot lists. */
  #newest = 0;
  #changed = 0;
  #listed = 0;
  /** Roles whose published objects are lost or damaged: they are signed anew. */
  readonly damaged = new Set<string>();

  /** Others may do something after each page. Names come in the order of bins, mostly: so the tree takes no path twice. */
  static async load(records: Records): Promise<RoleTable> {
    const table = new RoleTable();
    for (let after = ''; ; ) {
      const rows = await records.read
        .selectFrom('roles')
        .selectAll()
        .where('role', '>', after)
        .orderBy('role')
        .limit(PAGE)
        .execute();
      for (const row of rows) table.#add(row);
      table.#tree.rootHash(); // So that the hashes of a million roles are not all computed at the end.
      await setImmediate();
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) break;
      after = last.role;
    }
    table.#root = table.#tree.commit();
    const newest = await newestPublication(records);
    table.#newest = newest.id;
    table.#listed = newest.lists;
    return table;
  }

  /** Learns what other processes published; it costs as much as what changed. @returns the newest publication */
  async follow(records: Records): Promise<number> {
    let newest = await newestPublication(records);
    while (newest.id > this.#newest) {
      const rows = await rowsSince(records, this.#newest);
      const after = await newestPublication(records);
      if (after.id === newest.id && newest.id > this.#newest) {
        // At once, so that nobody sees or undoes a part of it.
        for (const row of rows) this.#learn(row);
        this.#root = this.#tree.commit();
        this.#newest = newest.id;
        this.#listed = newest.lists;
      }
      newest = after; // Another one came meanwhile: what was read is part of it.
    }
    return this.#newest;
  }

  /** The root hash of the tree of what is published. */
  get root(): string {
    return this.#root;
  }

  /** How many roles the tree lists. */
  get size(): number {
    return this.#tree.size;
  }

  /** The publication that everyone gets now: the version of its timestamp. */
  get newest(): number {
    return this.#newest;
  }

  /** The publication whose roles the flat snapshot lists. */
  get listed(): number {
    return this.#listed;
  }

  /** Whether the flat snapshot lists other versions than the tree. */
  get flatIsBehind(): boolean {
    return this.#changed > this.#listed;
  }

  online(role: OnlineRole): PublishedRole | undefined {
    return this.#online.get(role);
  }

  version(role: string): number | undefined {
    return this.#online.get(role)?.version ?? this.#tree.get(role)?.version;
  }

  nextVersion(role: string): number {
    return (this.version(role) ?? this.#retired.get(role) ?? 0) + 1;
  }

  /** What the tree lists. */
  entries(): Iterable<RoleEntry> {
    return this.#tree.entries();
  }

  /** The same of an older version of the tree, in cells, as slowly as anyone likes; `undefined` when it is not kept any more. */
  cells(root: string): Iterable<Uint8Array> | undefined {
    return this.#tree.cells(root);
  }

  /** Roles that the tree does not list any more, and their last versions. */
  retired(): ReadonlyMap<string, number> {
    return this.#retired;
  }

  /** The root hash that the tree will have once this is published. */
  preview({ id, roles, retired }: Omit<Shown, 'lists'>): string {
    this.#set(roles, retired);
    const root = this.#tree.commit();
    this.#tree.checkout(this.#root);
    this.#previewed = { id, root };
    return root;
  }

  /** This is published now. */
  publish({ id, lists, roles, retired }: Shown): void {
    for (const role of retired) {
      this.#retired.set(role, this.version(role) ?? 0);
      this.damaged.delete(role);
    }
    const previewed = this.#previewed?.id === id && this.#tree.checkout(this.#previewed.root);
    if (!previewed) this.#set(roles, retired);
    this.#root = this.#tree.commit();
    for (const { role, version, expiresAt, sha256, length } of roles) {
      if (isOnline(role)) this.#online.set(role, { role, version, expiresAt, sha256, length });
      else this.#changed = id;
      this.#retired.delete(role);
      this.damaged.delete(role);
    }
    this.#newest = id;
    this.#listed = lists;
  }

  /** Proves what a recent snapshot lists for a bin; `undefined` when it is not kept any more. */
  prove(root: string, bin: string): Uint8Array | undefined {
    return this.#tree.prove(root, bin);
  }

  /** The roles that {@link prove} shows. */
  leadingTo(root: string, bin: string): readonly RoleEntry[] {
    return this.#tree.leadingTo(root, bin) ?? [];
  }

  /** Whether the bin tree of a top has a role with this hex prefix. */
  hasBin(top: Top, prefix: string): boolean {
    return this.#tree.get(binRoleName(top, prefix)) !== undefined;
  }

  /** A branch is what has a child. */
  isBranch(top: Top, prefix: string): boolean {
    return prefix.length < BIN_DIGITS && Array.from(DIGITS).some((digit) => this.hasBin(top, prefix + digit));
  }

  /** What the children of a branch add to its prefix, in order. */
  digitsOf(top: Top, prefix: string): string {
    return Array.from(DIGITS)
      .filter((digit) => this.hasBin(top, prefix + digit))
      .join('');
  }

  /** The hex prefix of the leaf that holds a bin, given as 6 hex digits, or is to be made for it. */
  leafOf(top: Top, bin: string): string {
    return leafPrefix(bin, (prefix) => this.hasBin(top, bin.slice(0, prefix.length + 1)) || this.isBranch(top, prefix));
  }

  /** Names of all roles of a top's tree. */
  *rolesOf(top: Top): Generator<string, void> {
    for (const { role } of this.entries()) if (binPrefix(top, role) !== undefined) yield role;
  }

  #add({ role, version, expires_at, sha256, length, retired, publication }: RolesTable): void {
    if (isOnline(role)) return void this.#online.set(role, { role, version, expiresAt: expires_at, sha256, length });
    this.#changed = Math.max(this.#changed, publication);
    if (retired !== 0) this.#retired.set(role, version);
    else this.#tree.set({ role, version, length, sha256 });
  }

  #learn(row: RolesTable): void {
    if (row.retired === 0) this.#retired.delete(row.role);
    else this.#tree.remove(row.role);
    this.damaged.delete(row.role);
    this.#add(row);
  }

  #set(roles: readonly PublishedRole[], retired: readonly string[]): void {
    for (const { role, version, length, sha256 } of roles)
      if (!isOnline(role)) this.#tree.set({ role, version, length, sha256 });
    for (const role of retired) this.#tree.remove(role);
  }
}

/** A row that changes meanwhile moves towards the end of this order, so none is missed. */
async function rowsSince({ read }: Records, seen: number): Promise<RolesTable[]> {
  const found: RolesTable[] = [];
  for (let last = { publication: seen, role: '\u{10ffff}' }; ; ) {
    const { publication, role } = last;
    const rows = await read
      .selectFrom('roles')
      .selectAll()
      .where((where) =>
        where.or([
          where('publication', '>', publication),
          where.and([where('publication', '=', publication), where('role', '>', role)]),
        ]),
      )
      .orderBy('publication')
      .orderBy('role')
      .limit(PAGE)
      .execute();
    for (const row of rows) found.push(row);
    const end = rows.at(-1);
    if (!end || rows.length < PAGE) return found;
    last = end;
  }
}

function isOnline(role: string): role is OnlineRole {
  return role === 'timestamp' || role === 'snapshot';
}

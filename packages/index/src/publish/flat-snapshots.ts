import type { Logger } from 'pino';
import { snapshotIsDue } from './due.ts';
import { makeFlat, makeLargeFlat } from './flat-making.ts';
import { expiry, type Lifetimes } from './lifetimes.ts';
import type { PublishedRole, RoleTable } from './role-table.ts';
import type { SignedRole } from './sign-roles.ts';
import type { SigningKeys } from './signing-keys.ts';

/** With up to this many roles every publication brings its own flat snapshot, which has less than 80 kB. */
export const FLAT_WITH_EACH = 2_000;

export interface FlatParts {
  readonly table: RoleTable;
  readonly lifetimes: Lifetimes;
  readonly logger: Logger;
  /** Called when one was made that may be published, and when it is time to make another. */
  readonly wake: () => void;
}

/** A publication that is being prepared. */
export interface FlatContext {
  readonly id: number;
  readonly keys: SigningKeys;
  readonly now: Date;
  /** The root hash of its tree. */
  readonly tree: string;
  /** Its roles, and those that leave the tree. */
  readonly roles: readonly PublishedRole[];
  readonly retired: readonly string[];
  /** Root or targets change: their readers need a flat snapshot that fits, signed by the keys that they name. */
  readonly forced: boolean;
}

/** What the timestamp of a publication says of the flat snapshot. */
export interface NamedFlat {
  readonly role: PublishedRole;
  /** The same, when this publication brings it. */
  readonly made: SignedRole | undefined;
  /** The publication whose roles it lists. */
  readonly lists: number;
}

/**
 * The flat snapshot, which lists every role (TUF 1.0.34 §4.4). Of a large index it has a cadence of its own: with n roles at
 * most one in n milliseconds, which is the same 40 kB/s at every size. It is made beside the publications, from the tree of
 * one of them; until it is there, timestamps name the one before.
 */
export class FlatSnapshots {
  readonly #parts: FlatParts;
  readonly #stop = new AbortController();
  #began: number | undefined;
  #making: Promise<void> | undefined;
  #ready: { readonly role: SignedRole; readonly lists: number; readonly keys: SigningKeys } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FlatParts) {
    this.#parts = parts;
  }

  /** Whether one should be published even though nothing else is. */
  isWaiting(now: Date): boolean {
    const { table, lifetimes } = this.#parts;
    if (this.#ready !== undefined || table.damaged.has('snapshot')) return true;
    return this.#withEach() && snapshotIsDue(table, lifetimes, now);
  }

  /** Begins to make the next one of a large index, if it is time. */
  look(keys: SigningKeys, now: Date): void {
    const { table, lifetimes } = this.#parts;
    if (this.#withEach() || this.#making || this.#ready || this.#stop.signal.aborted) return;
    if (!table.flatIsBehind && !snapshotIsDue(table, lifetimes, now)) return;
    const wait = this.#began === undefined ? 0 : table.size - (now.getTime() - this.#began);
    // A clock that was set back does not keep it from coming.
    if (wait > 0 && wait <= table.size) return this.#lookAgainIn(wait);
    this.#began = now.getTime();
    this.#making = this.#make(keys, now).finally(() => {
      this.#making = undefined;
      if (this.#ready) this.#parts.wake();
    });
  }

  /** For a publication that is being prepared. */
  async of(context: FlatContext): Promise<NamedFlat> {
    const { table, lifetimes } = this.#parts;
    const { id, keys, now, roles, forced } = context;
    const published = table.online('snapshot');
    const stale = this.#withEach(roles.length) && (roles.length > 0 || snapshotIsDue(table, lifetimes, now));
    if (!published || forced || stale || table.damaged.has('snapshot')) {
      const made = await this.#makeNow(context);
      return { role: made, made, lists: id };
    }
    const ready = this.#ready;
    if (ready?.keys === keys && ready.role.version === published.version + 1) {
      return { role: ready.role, made: ready.role, lists: ready.lists };
    }
    this.#ready = undefined;
    return { role: published, made: undefined, lists: table.listed };
  }

  /** A flat snapshot is published: one that was made meanwhile would come too late. */
  published(): void {
    this.#ready = undefined;
  }

  /** Resolves when nothing is being made any more. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#making;
  }

  /** `coming`: roles of a publication that is being prepared. */
  #withEach(coming = 0): boolean {
    return Math.max(this.#parts.table.size, coming) <= FLAT_WITH_EACH;
  }

  #lookAgainIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#parts.wake(), milliseconds).unref();
  }

  async #make(keys: SigningKeys, now: Date): Promise<void> {
    const { table, lifetimes, logger } = this.#parts;
    const began = performance.now();
    const [lists, cells, retired] = [table.newest, table.cells(table.root) ?? [], [...table.retired()]];
    const facts = { version: table.nextVersion('snapshot'), expires: expiry(now, lifetimes.snapshot) };
    try {
      const role = await makeLargeFlat({ cells, retired }, facts, keys, this.#stop.signal);
      if (role.version !== table.nextVersion('snapshot')) return;
      this.#ready = { role, lists, keys };
      const seconds = (performance.now() - began) / 1000;
      logger.info({ snapshotVersion: role.version, lists, bytes: role.length, seconds }, 'flat snapshot');
    } catch (error) {
      if (!this.#stop.signal.aborted)
        logger.error({ err: error }, 'the flat snapshot could not be made; it is tried again');
    }
  }

  async #makeNow({ keys, now, tree, roles, retired }: FlatContext): Promise<SignedRole> {
    const { table, lifetimes } = this.#parts;
    const facts = { version: table.nextVersion('snapshot'), expires: expiry(now, lifetimes.snapshot) };
    const versions = new Map(table.retired());
    for (const role of retired) versions.set(role, table.version(role) ?? 0);
    for (const { role } of roles) versions.delete(role);
    const listing = { cells: table.cells(tree) ?? [], retired: [...versions] };
    return this.#withEach(roles.length)
      ? makeFlat(listing, facts, keys)
      : makeLargeFlat(listing, facts, keys, this.#stop.signal);
  }
}

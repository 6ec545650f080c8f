import { CLAIMED, RARELY_UPDATED } from '@holdfast/trust';
import { parseRoot } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import type { Database } from '../records/schema.ts';

const DAY_MS = 86_400_000;
/** Operators are reminded from so many days on: time enough to meet. */
export const REMIND_DAYS = 30;
/** Looked for at most so often, in milliseconds: a tree may have many roles. */
const LOOK_MS = 60_000;

/** When the first role expires that these holders have to sign. */
export interface OfflineExpiry {
  readonly role: 'root' | 'targets' | 'claimed' | 'rarely-updated';
  readonly expires: Date;
}

/** When the roles of offline keys expire, as they are published; looked for now and then. */
export class OfflineExpiries {
  readonly #db: Kysely<Database>;
  readonly #clock: () => Date;
  #known: { readonly at: number; readonly list: Promise<readonly OfflineExpiry[]> } | undefined;

  constructor(db: Kysely<Database>, clock: () => Date) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Roles that the index does not have are left out. */
  list(): Promise<readonly OfflineExpiry[]> {
    const now = this.#clock().getTime();
    if (this.#known && Math.abs(now - this.#known.at) < LOOK_MS) return this.#known.list;
    const list = readExpiries(this.#db);
    this.#known = { at: now, list };
    list.catch(() => (this.#known = undefined)); // Whoever asked hears of it.
    return list;
  }

  /** Those of which operators are to be reminded. */
  async near(): Promise<readonly OfflineExpiry[]> {
    const until = this.#clock().getTime() + REMIND_DAYS * DAY_MS;
    return (await this.list()).filter(({ expires }) => expires.getTime() < until);
  }
}

async function readExpiries(db: Kysely<Database>): Promise<readonly OfflineExpiry[]> {
  const root = await db
    .selectFrom('roots')
    .innerJoin('publications', 'publications.id', 'roots.publication')
    .select('roots.bytes')
    .where('publications.published_at', 'is not', null)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  const found: OfflineExpiry[] = root ? [{ role: 'root', expires: parseRoot(root.bytes).signed.expires }] : [];
  for (const role of ['targets', CLAIMED, RARELY_UPDATED] as const) {
    // A range of names, which holds the tree of a top and nothing else.
    const row = await db
      .selectFrom('roles')
      .select((eb) => eb.fn.min('expires_at').as('first'))
      .where('retired', '=', 0)
      .where((where) => where.between('role', role, `${role}.g`))
      .executeTakeFirst();
    // Without rows the least is null, whatever its type says.
    if (typeof row?.first === 'number') found.push({ role, expires: new Date(row.first) });
  }
  return found;
}

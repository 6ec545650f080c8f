import { sql, type Transaction } from 'kysely';
import type { ObjectStore } from '../objects/object-store.ts';
import { putMany } from '../objects/put-many.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { roleOf } from './bin-roles.ts';
import { chunks } from './chunks.ts';
import { binExpiry, type Lifetimes } from './lifetimes.ts';
import { END_OF_BINS, IS_IMPORTED, planMass } from './mass-plan.ts';
import { massSource } from './mass-source.ts';
import type { OfflineOffer } from './offline.ts';
import { roleKey } from './publications.ts';
import type { PublishedRole, RoleTable } from './role-table.ts';
import { type RoleToSign, type SignedRole, signRoles } from './sign-roles.ts';
import type { OnlineTop, SigningKeys } from './signing-keys.ts';

/**
 * A publication of more roles than fit into memory or one transaction: an import's first, or that of a new online key. Its
 * roles are signed in the order of their bins and put into the object store under their next versions, where nothing leads
 * to them; a last, ordinary publication brings all of them at once (docs/decisions/0013).
 */
export interface Mass {
  /** What it signs anew: what an import brought, every role, or only what an offline signing changes. */
  readonly kind: MassKind;
  /** Root and targets that come with it. */
  readonly offer: OfflineOffer | undefined;
  readonly begunAt: Date;
  readonly nextBin: number;
  readonly attempt: number;
  /** Its publication, once that is recorded. */
  readonly publication: number | null;
}

export type MassKind = 'imported' | 'everything' | 'offered';

/** As in `mass_publications`. */
const KINDS: readonly MassKind[] = ['imported', 'everything', 'offered'];
/** Rows of `prepared` and `changes` whose publication has no number yet. */
export const UNNUMBERED = 0;
/** Roles that are put and recorded together: some 20 MB. */
const SLICE = 2_000;
const ROWS_PER_STATEMENT = 500;
const PAGE = 20_000;

export async function massUnderWay(records: Records): Promise<Mass | undefined> {
  const row = await records.read.selectFrom('mass_publications').selectAll().executeTakeFirst();
  if (!row) return undefined;
  const offer = { ...(row.root && { root: row.root }), ...(row.targets && { targets: row.targets }) };
  return {
    kind: KINDS[row.everything] ?? 'everything',
    offer: row.root || row.targets ? offer : undefined,
    begunAt: new Date(row.begun_at),
    nextBin: row.next_bin,
    attempt: row.attempt,
    publication: row.publication,
  };
}

/** From here on it is continued after every crash until it is published: once the transaction is committed. */
export async function beginMass(
  db: Transaction<Database>,
  { kind, offer, now }: { kind: MassKind; offer?: OfflineOffer | undefined; now: Date },
): Promise<void> {
  const row = {
    begun_at: now.getTime(),
    everything: KINDS.indexOf(kind),
    root: offer?.root ?? null,
    targets: offer?.targets ?? null,
    next_bin: 0,
    attempt: -1,
    publication: null,
  };
  await db.insertInto('mass_publications').values(row).execute();
}

/** Every role is signed anew when the index is opened next, with what an import brought that was not published yet. */
export async function beginEverything(db: Transaction<Database>, now: Date): Promise<void> {
  await db.deleteFrom('mass_publications').execute();
  await beginMass(db, { kind: 'everything', now });
}

export interface MassParts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly table: RoleTable;
  readonly keys: SigningKeys;
  readonly lifetimes: Lifetimes;
  readonly clock: () => Date;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Roles that are put and recorded together, and files that are planned together. */
  readonly slice?: number | undefined;
}

/** How far it is. */
export interface MassProgress {
  /** Roles of this run. */
  readonly roles: number;
  /** From 0 to 1. */
  readonly share: number;
}

/** Signs, puts and records what is missing, slice by slice; tells after each one how far it is. */
export async function* signMass(parts: MassParts): AsyncGenerator<MassProgress, void> {
  const { records, keys } = parts;
  const trees = treesOf(keys);
  const mass = await newAttempt(records);
  const boundaries = new Boundaries();
  let slice: SignedRole[] = [];
  let roles = 0;
  // Of an attempt that broke off there may be objects of one slice that nobody recorded.
  let orphaned = mass.attempt;
  /** One slice is put while the next one is signed. */
  let keeping = Promise.resolve();
  try {
    for await (const role of signRoles(toSign(parts, mass, boundaries), keys)) {
      slice.push(role);
      roles += 1;
      const nextBin = boundaries.reached(roles);
      if (nextBin === undefined || slice.length < (parts.slice ?? SLICE)) continue;
      await keeping;
      keeping = keep(parts, slice, nextBin, orphaned);
      keeping.catch(() => {}); // Whoever waits for it hears of it.
      orphaned = 0;
      slice = [];
      yield { roles, share: nextBin / (END_OF_BINS * trees.length) };
    }
  } finally {
    await keeping;
  }
  await keep(parts, slice, END_OF_BINS * trees.length, orphaned);
  yield { roles, share: 1 };
}

/** Every attempt writes versions of its own, so what one that broke off left behind is never shown under two contents. */
async function newAttempt(records: Records): Promise<Mass> {
  await records.write((db) =>
    db
      .updateTable('mass_publications')
      .set(({ eb }) => ({ attempt: eb('attempt', '+', 1) }))
      .execute(),
  );
  const mass = await massUnderWay(records);
  if (!mass) throw new TypeError('no mass publication is under way');
  return mass;
}

/**
 * The trees that are signed, one after the other: places in the second are counted on from the end of the first. `unclaimed` comes
 * first, so that a place means the same whether there is another tree or not.
 */
const treesOf = ({ tops }: SigningKeys): readonly OnlineTop[] => tops.toReversed();

async function* toSign(
  { records, table, keys, lifetimes, clock, random, slice }: MassParts,
  mass: Mass,
  boundaries: Boundaries,
): AsyncGenerator<RoleToSign> {
  for (const [at, top] of treesOf(keys).entries()) {
    const from = Math.max(0, mass.nextBin - at * END_OF_BINS);
    const everything = mass.kind === 'everything';
    if (from >= END_OF_BINS || (at > 0 && !everything)) continue;
    const source = massSource(records.read, top);
    for await (const unit of planMass({ top, source, table, everything, from, unitFiles: slice })) {
      boundaries.add(unit.roles.length, at * END_OF_BINS + unit.nextBin);
      for (const bin of unit.roles) {
        const version = table.nextVersion(roleOf({ top, bin })) + mass.attempt;
        yield { top, bin, version, expires: binExpiry(clock(), lifetimes.bins, random()) };
      }
    }
  }
}

/** Where units end in the stream of roles: only there can a later attempt begin. Signing runs behind planning. */
class Boundaries {
  #planned = 0;
  readonly #ends = new Map<number, number>();

  add(roles: number, nextBin: number): void {
    this.#planned += roles;
    this.#ends.set(this.#planned, nextBin);
  }

  reached(roles: number): number | undefined {
    const nextBin = this.#ends.get(roles);
    this.#ends.delete(roles);
    return nextBin;
  }
}

/** Objects first, and durable: what is recorded is there. */
async function keep(
  { records, objects, table }: MassParts,
  slice: readonly SignedRole[],
  nextBin: number,
  orphaned: number,
): Promise<void> {
  if (slice.length === 0) return;
  await putMany(
    objects,
    slice.map(({ role, version, bytes }) => ({ key: roleKey(role, version), bytes })),
  );
  await records.write((db) =>
    Promise.all([
      ...Array.from(chunks(slice, ROWS_PER_STATEMENT), (some) => insertPrepared(db, some)),
      orphaned > 0 && noteOrphans(db, slice, table, orphaned),
      db.updateTable('mass_publications').set({ next_bin: nextBin }).execute(),
    ]),
  );
}

function insertPrepared(db: Transaction<Database>, roles: readonly SignedRole[]): Promise<unknown> {
  const rows = roles.map(({ role, version, expiresAt, sha256, length }) => ({
    role,
    version,
    expires_at: expiresAt,
    publication: UNNUMBERED,
    sha256,
    length,
    retired: 0,
    bytes: null,
  }));
  return db.insertInto('prepared').values(rows).execute();
}

/** Nothing ever led to them: the sweep takes them at once. */
async function noteOrphans(
  db: Transaction<Database>,
  slice: readonly SignedRole[],
  table: RoleTable,
  attempts: number,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    for (const some of chunks(slice, ROWS_PER_STATEMENT)) {
      const rows = some.map(({ role }) => ({
        role,
        version: table.nextVersion(role) + attempt,
        sha256: '',
        publication: UNNUMBERED,
      }));
      await db
        .insertInto('replaced')
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }
}

/** Everything that is signed and put, for the publication that brings it. */
export async function preparedRoles(records: Records): Promise<readonly PublishedRole[]> {
  const roles: PublishedRole[] = [];
  for (let after = ''; ; ) {
    const rows = await records.read
      .selectFrom('prepared')
      .select(['role', 'version', 'expires_at', 'sha256', 'length'])
      .where('publication', '=', UNNUMBERED)
      .where('role', '>', after)
      .orderBy('role')
      .limit(PAGE)
      .execute();
    for (const { role, version, expires_at, sha256, length } of rows)
      roles.push({ role, version, expiresAt: expires_at, sha256, length });
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return roles;
    after = last.role;
  }
}

/** The publication with this id brings them: a part of the transaction that records it. */
export async function numberMass(db: Transaction<Database>, id: number): Promise<void> {
  for (const table of ['prepared', 'changes'] as const)
    await db.updateTable(table).set({ publication: id }).where('publication', '=', UNNUMBERED).execute();
  await db.updateTable('mass_publications').set({ publication: id }).execute();
}

/** Its publication is visible: imported files are published, and it is over. May be broken off and repeated. */
export async function endMass(records: Records, kind: MassKind): Promise<void> {
  if (kind !== 'offered') await publishImported(records);
  await records.write((db) => db.deleteFrom('mass_publications').execute());
}

async function publishImported(records: Records): Promise<void> {
  for (;;) {
    const row = await records.read
      .selectFrom('files')
      .select('bin')
      .where(IS_IMPORTED)
      .orderBy('bin')
      .limit(1)
      .offset(PAGE)
      .executeTakeFirst();
    await records.write((db) =>
      db
        .updateTable('files')
        // What is claimed by now waits for those who answer for it.
        .set({
          state: sql`case when exists (select 1 from standings s where s.project = files.project) then 'staged' else 'published' end`,
        })
        .where(IS_IMPORTED)
        .where(sql<boolean>`bin <= ${row?.bin ?? END_OF_BINS}`)
        .execute(),
    );
    if (!row) return;
  }
}

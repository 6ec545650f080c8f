import { type BinRole, binRange, encodeTarget, planLeaf, type TargetPath } from '@holdfast/trust';
import type { TargetFile } from '@holdfast/tuf';
import { type Kysely, sql } from 'kysely';
import type { Database, FileState } from '../records/schema.ts';
import { binDigits, binNumber, distributionOf, publishedInRange } from './file-rows.ts';
import type { RoleTable } from './role-table.ts';

/** Some roles of the bin tree that stand beside each other, as they are to be signed. */
export interface MassUnit {
  readonly roles: readonly BinRole[];
  /** All roles whose range begins before this bin are planned with this unit. */
  readonly nextBin: number;
}

export interface MassPlan {
  readonly db: Kysely<Database>;
  readonly table: Pick<RoleTable, 'digitsOf' | 'hasBin' | 'isBranch' | 'leafOf'>;
  /** Every role; else the leaves with imported files, and what they become. */
  readonly everything: boolean;
  /** Where to begin: `nextBin` of the last unit that is done. */
  readonly from: number;
  /** Files of one unit: more than fit a leaf of several bins. */
  readonly unitFiles?: number;
}

/** Behind the last bin. */
export const END_OF_BINS = 16 ** 6;
/** Files of one unit, unless one bin has more: few enough for the memory. */
const UNIT_FILES = 20_000;
/** What a mass publication shows: what is published, and what an import brought. */
const STATES: readonly FileState[] = ['published', 'imported'];
/** Written out, so that the index of imported files serves it: what is published may be many times more. */
export const IS_IMPORTED = sql<boolean>`state = ${sql.lit('imported')}`;

/**
 * Plans roles in the order of their bins, a branch before its children, so that any number of files needs the memory of a
 * few. The same rows and the same table give the same plan, wherever it begins.
 */
export async function* planMass(plan: MassPlan): AsyncGenerator<MassUnit, void> {
  if (plan.everything) return yield* walk(plan, '');
  for (let from = plan.from; from < END_OF_BINS; ) {
    const bin = await firstBin(plan.db, 'imported', from, END_OF_BINS);
    if (bin === undefined) return;
    const leaf = plan.table.leafOf(binDigits(bin));
    yield* after(await parentOfNew(plan, leaf), walk(plan, leaf));
    from = binNumber(binRange(leaf).last) + 1;
  }
}

/** The branch of a leaf that does not exist yet. It comes with the first of its new children, and with none but that. */
async function parentOfNew(plan: MassPlan, leaf: string): Promise<readonly BinRole[]> {
  if (leaf === '' || plan.table.hasBin(leaf) || binNumber(binRange(leaf).first) < plan.from) return [];
  const prefix = leaf.slice(0, -1);
  const known = plan.table.digitsOf(prefix);
  const digits = await digitsWith(plan, prefix);
  const [firstNew] = Array.from(digits).filter((digit) => !known.includes(digit));
  return leaf === `${prefix}${firstNew}` ? [{ prefix, digits }] : [];
}

async function* after(before: readonly BinRole[], units: AsyncIterable<MassUnit>): AsyncGenerator<MassUnit, void> {
  let first = before;
  for await (const { roles, nextBin } of units) {
    yield { roles: [...first, ...roles], nextBin };
    first = [];
  }
}

async function* walk(plan: MassPlan, prefix: string): AsyncGenerator<MassUnit, void> {
  const range = binRange(prefix);
  const [first, last] = [binNumber(range.first), binNumber(range.last)];
  if (last < plan.from) return;
  if (!plan.table.isBranch(prefix) && !(await isLarge(plan, first, last))) {
    yield { roles: await planRange(plan.db, prefix), nextBin: last + 1 };
    return;
  }
  const digits = await digitsWith(plan, prefix);
  // A branch that begins before the place to begin at was planned with its first child.
  yield* after(first >= plan.from ? [{ prefix, digits }] : [], walkAll(plan, prefix, digits));
}

async function* walkAll(plan: MassPlan, prefix: string, digits: string): AsyncGenerator<MassUnit, void> {
  for (const digit of digits) yield* walk(plan, prefix + digit);
}

/** What the children of a branch, or of what becomes one, add to its prefix: those that exist, and those with a first file. */
async function digitsWith({ db, table }: MassPlan, prefix: string): Promise<string> {
  const known = table.digitsOf(prefix);
  const states = known === '' ? STATES : 'imported';
  const digits = new Set(known);
  const { first, last } = binRange(prefix);
  for (let from = binNumber(first); from <= binNumber(last); ) {
    const bin = await firstBin(db, states, from, binNumber(last));
    if (bin === undefined) break;
    const child = binDigits(bin).slice(0, prefix.length + 1);
    digits.add(child.charAt(prefix.length));
    from = binNumber(binRange(child).last) + 1;
  }
  return [...digits].sort().join('');
}

async function firstBin(
  db: Kysely<Database>,
  states: typeof STATES | 'imported',
  from: number,
  last: number,
): Promise<number | undefined> {
  const row = await db
    .selectFrom('files')
    .select('bin')
    .where(sql<boolean>`bin between ${from} and ${last}`)
    .where(states === STATES ? sql<boolean>`state in (${sql.join(STATES)})` : IS_IMPORTED)
    .orderBy('bin')
    .limit(1)
    .executeTakeFirst();
  return row?.bin;
}

/** Whether there are surely too many files of several bins for one leaf. Any number of files may be of one bin. */
async function isLarge({ db, unitFiles = UNIT_FILES }: MassPlan, first: number, last: number): Promise<boolean> {
  const row = await db
    .selectFrom('files')
    .select('bin')
    .where(sql<boolean>`bin between ${first} and ${last}`)
    .where('state', 'in', STATES)
    .orderBy('bin')
    .limit(1)
    .offset(unitFiles)
    .executeTakeFirst();
  if (!row) return false;
  const lowest = await firstBin(db, STATES, first, last);
  if (lowest === undefined) return false;
  return row.bin !== lowest || (await firstBin(db, STATES, lowest + 1, last)) !== undefined;
}

async function planRange(db: Kysely<Database>, prefix: string): Promise<readonly BinRole[]> {
  const targets = new Map<TargetPath, TargetFile>();
  for (const row of await publishedInRange(db, prefix, STATES)) {
    const { path, file } = encodeTarget(distributionOf(row));
    targets.set(path, file);
  }
  return planLeaf(prefix, { targets });
}

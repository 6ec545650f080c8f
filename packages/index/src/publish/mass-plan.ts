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
  readonly table: Pick<RoleTable, 'isBranch' | 'leafOf'>;
  /** Every role; else the leaves with imported files, and what they become. */
  readonly everything: boolean;
  /** Where to begin: `nextBin` of the last unit that is done. */
  readonly from: number;
}

/** Behind the last bin. */
export const END_OF_BINS = 16 ** 6;
/** Files of one unit: more than any leaf can hold, few enough for the memory. */
const UNIT_FILES = 20_000;
/** What a mass publication shows: what is published, and what an import brought. */
const STATES: readonly FileState[] = ['published', 'imported'];
const DIGITS = '0123456789abcdef';

/**
 * Plans roles in the order of their bins, a branch before its children, so that any number of files needs the memory of a
 * few. The same rows and the same table give the same plan, wherever it begins.
 */
export async function* planMass(plan: MassPlan): AsyncGenerator<MassUnit, void> {
  if (plan.everything) return yield* walk(plan, '');
  for (let from = plan.from; from < END_OF_BINS; ) {
    const bin = await firstImported(plan.db, from);
    if (bin === undefined) return;
    const leaf = plan.table.leafOf(binDigits(bin));
    yield* walk(plan, leaf);
    from = binNumber(binRange(leaf).last) + 1;
  }
}

async function firstImported(db: Kysely<Database>, from: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('files')
    .select('bin')
    .where('state', '=', 'imported')
    .where('bin', '>=', from)
    .orderBy('bin')
    .limit(1)
    .executeTakeFirst();
  return row?.bin;
}

async function* walk(plan: MassPlan, prefix: string): AsyncGenerator<MassUnit, void> {
  const range = binRange(prefix);
  const [first, last] = [binNumber(range.first), binNumber(range.last)];
  if (last < plan.from) return;
  if (!plan.table.isBranch(prefix) && !(await isLarge(plan.db, first, last))) {
    yield { roles: await planRange(plan.db, prefix), nextBin: last + 1 };
    return;
  }
  // A branch that begins before the place to begin at was planned with its first child.
  let before: readonly BinRole[] = first >= plan.from ? [{ prefix, branch: true }] : [];
  for (const digit of DIGITS) {
    for await (const { roles, nextBin } of walk(plan, prefix + digit)) {
      yield { roles: [...before, ...roles], nextBin };
      before = [];
    }
  }
}

async function isLarge(db: Kysely<Database>, first: number, last: number): Promise<boolean> {
  if (first === last) return false; // One bin may hold any number of files, and is never split.
  const some = db
    .selectFrom('files')
    .select('bin')
    .where(sql<boolean>`bin between ${first} and ${last}`)
    .where('state', 'in', STATES)
    .limit(UNIT_FILES + 1)
    .as('some');
  const { count } = await db
    .selectFrom(some)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count > UNIT_FILES;
}

async function planRange(db: Kysely<Database>, prefix: string): Promise<readonly BinRole[]> {
  const targets = new Map<TargetPath, TargetFile>();
  for (const row of await publishedInRange(db, prefix, STATES)) {
    const { path, file } = encodeTarget(distributionOf(row));
    targets.set(path, file);
  }
  return planLeaf(prefix, targets);
}

import { type BinRole, planLeaf } from '@holdfast/trust';
import { sql } from 'kysely';
import { binDigits, rangeOf } from './file-rows.ts';
import type { MassSource } from './mass-source.ts';
import type { RoleTable } from './role-table.ts';
import type { OnlineTop } from './signing-keys.ts';

/** Some roles of a bin tree that stand beside each other, as they are to be signed. */
export interface MassUnit {
  readonly roles: readonly BinRole[];
  /** All roles whose range begins before this bin are planned with this unit. */
  readonly nextBin: number;
}

export interface MassPlan {
  readonly top: OnlineTop;
  readonly source: MassSource;
  readonly table: Pick<RoleTable, 'digitsOf' | 'hasBin' | 'isBranch' | 'leafOf'>;
  /** Every role; else the leaves with imported files, and what they become. */
  readonly everything: boolean;
  /** Where to begin: `nextBin` of the last unit that is done. */
  readonly from: number;
  /** Files of one unit: more than fit a leaf of several bins. */
  readonly unitFiles?: number | undefined;
}

/** Behind the last bin. */
export const END_OF_BINS = 16 ** 6;
/** Files of one unit, unless one bin has more: few enough for the memory. */
const UNIT_FILES = 20_000;
/** Written out, so that the index of imported files serves it: what is published may be many times more. */
export const IS_IMPORTED = sql<boolean>`state = ${sql.lit('imported')}`;

/**
 * Plans roles in the order of their bins, a branch before its children, so that any number of files needs the memory of a
 * few. The same rows and the same table give the same plan, wherever it begins.
 */
export async function* planMass(plan: MassPlan): AsyncGenerator<MassUnit, void> {
  const { top, table, source } = plan;
  if (plan.everything) return yield* walk(plan, '');
  for (let from = plan.from; from < END_OF_BINS; ) {
    const bin = await source.firstBin({ first: from, last: END_OF_BINS }, 'imported');
    if (bin === undefined) return;
    const leaf = table.leafOf(top, binDigits(bin));
    yield* after(await parentOfNew(plan, leaf), walk(plan, leaf));
    from = rangeOf(leaf).last + 1;
  }
}

/** The branch of a leaf that does not exist yet. It comes with the first of its new children, and with none but that. */
async function parentOfNew(plan: MassPlan, leaf: string): Promise<readonly BinRole[]> {
  const { top, table, from } = plan;
  if (leaf === '' || table.hasBin(top, leaf) || rangeOf(leaf).first < from) return [];
  const prefix = leaf.slice(0, -1);
  const known = table.digitsOf(top, prefix);
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
  const { top, table, source, everything, from, unitFiles = UNIT_FILES } = plan;
  const range = rangeOf(prefix);
  if (range.last < from) return;
  const isBranch = table.isBranch(top, prefix);
  // What fits is read at once with all that is below it: a query for each leaf would cost more than its rows.
  // A range that begins before the place to begin at was planned in parts before, perhaps with units of another size.
  const fits =
    range.first >= from &&
    (isBranch ? everything && (await source.holdsAtMost(range, unitFiles)) : !(await source.isLarge(range, unitFiles)));
  if (fits) {
    const content = await source.content(prefix);
    yield { roles: planLeaf(prefix, content, (branch) => table.digitsOf(top, branch)), nextBin: range.last + 1 };
    return;
  }
  const digits = await digitsWith(plan, prefix);
  // A branch that begins before the place to begin at was planned with its first child.
  yield* after(range.first >= from ? [{ prefix, digits }] : [], walkAll(plan, prefix, digits));
}

async function* walkAll(plan: MassPlan, prefix: string, digits: string): AsyncGenerator<MassUnit, void> {
  for (const digit of digits) yield* walk(plan, prefix + digit);
}

/** What the children of a branch, or of what becomes one, add to its prefix: those that exist, and those with something in them. */
async function digitsWith({ top, table, source, everything }: MassPlan, prefix: string): Promise<string> {
  const known = table.digitsOf(top, prefix);
  // With everything, projects may move into the tree, and then nothing tells which of their files are new there.
  const what = known === '' || everything ? 'anything' : 'imported';
  const digits = new Set(known);
  const { first, last } = rangeOf(prefix);
  for (let from = first; from <= last; ) {
    const bin = await source.firstBin({ first: from, last }, what);
    if (bin === undefined) break;
    const child = binDigits(bin).slice(0, prefix.length + 1);
    digits.add(child.charAt(prefix.length));
    from = rangeOf(child).last + 1;
  }
  return [...digits].sort().join('');
}

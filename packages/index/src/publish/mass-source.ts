import { type LeafContent, type ProjectDelegation, UNCLAIMED } from '@holdfast/trust';
import type { ProjectName } from '@holdfast/python-index';
import { type Kysely, sql } from 'kysely';
import type { Database, FileState } from '../records/schema.ts';
import { targetsOf } from './bin-roles.ts';
import { LISTED, type Range, rangeOf, unclaimedFiles } from './file-rows.ts';
import type { OnlineTop } from './signing-keys.ts';
import { delegationOf, recentlyClaimedInRange } from './standing-rows.ts';

/** What the leaves of one tree are made of, read range by range. */
export interface MassSource {
  /** The lowest bin of a range that holds something; with `imported`, something that an import brought. */
  firstBin(range: Range, what: 'anything' | 'imported'): Promise<number | undefined>;
  /** Whether a range surely holds no more than this. Costs no row, and says no where only what is not shown is too much. */
  holdsAtMost(range: Range, most: number): Promise<boolean>;
  /** Whether a range surely holds too much of several bins for one leaf. Any number of things may be of one bin. */
  isLarge(range: Range, most: number): Promise<boolean>;
  /** Everything in the bins that begin with `prefix`. */
  content(prefix: string): Promise<LeafContent>;
}

/** What a mass publication shows: what is published, and what an import brought. */
const SHOWN: readonly FileState[] = ['published', 'imported'];

export function massSource(db: Kysely<Database>, top: OnlineTop): MassSource {
  return top === UNCLAIMED ? fileSource(db) : projectSource(db);
}

function fileSource(db: Kysely<Database>): MassSource {
  const firstBin: MassSource['firstBin'] = async (range, what) => {
    const files = unclaimedFiles(db, range, what === 'imported' ? ['imported'] : SHOWN);
    const row = await files.select('bin').orderBy('bin').limit(1).executeTakeFirst();
    return row?.bin;
  };
  const holdsAtMost: MassSource['holdsAtMost'] = async (range, most) => !(await hasMore(db, 'files', range, most));
  return {
    firstBin,
    holdsAtMost,
    isLarge: async (range, most) => {
      if (await holdsAtMost(range, most)) return false;
      const files = unclaimedFiles(db, range, SHOWN).select('bin').orderBy('bin');
      const row = await files.limit(1).offset(most).executeTakeFirst();
      if (!row) return false;
      const lowest = await firstBin(range, 'anything');
      if (lowest === undefined) return false;
      return row.bin !== lowest || (await firstBin({ ...range, first: lowest + 1 }, 'anything')) !== undefined;
    },
    content: async (prefix) => targetsOf(await unclaimedFiles(db, rangeOf(prefix), SHOWN).select(LISTED).execute()),
  };
}

/** Whether a table has more rows than `most` in these bins, told from its index alone. */
async function hasMore(
  db: Kysely<Database>,
  table: 'files' | 'standings' | 'offered_standings',
  { first, last }: Range,
  most: number,
): Promise<boolean> {
  const rows = db.selectFrom(table).select('bin').where(sql<boolean>`bin between ${first} and ${last}`);
  return (await rows.orderBy('bin').limit(1).offset(most).executeTakeFirst()) !== undefined;
}

/** Projects that were claimed lately are few. */
function projectSource(db: Kysely<Database>): MassSource {
  return {
    firstBin: async ({ first, last }, what) => {
      if (what === 'imported') return undefined;
      const { rows } = await sql<{ bin: number | null }>`select min(bin) as bin from (
        select bin, project from standings where standing = 'recently-claimed' and bin between ${first} and ${last}
          and not exists (select 1 from offered_standings o where o.project = standings.project)
        union all
        select bin, project from offered_standings where standing = 'recently-claimed' and bin between ${first} and ${last}
      ) as shown`.execute(db);
      return rows[0]?.bin ?? undefined;
    },
    holdsAtMost: async (range, most) =>
      !(await hasMore(db, 'standings', range, most)) && !(await hasMore(db, 'offered_standings', range, most)),
    isLarge: async () => false,
    content: async (prefix) => {
      const projects = new Map<ProjectName, ProjectDelegation>();
      for (const [name, row] of await recentlyClaimedInRange(db, prefix)) projects.set(name, delegationOf(row));
      return { projects };
    },
  };
}

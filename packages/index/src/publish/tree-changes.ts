import type { ProjectName } from '@holdfast/python-index';
import {
  type LeafContent,
  MERGE_FILES,
  MERGE_PROJECTS,
  type ProjectDelegation,
  RECENTLY_CLAIMED,
  UNCLAIMED,
} from '@holdfast/trust';
import type { Kysely } from 'kysely';
import type { Standing } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';
import { type ChangedFile, isGone, targetsOf } from './bin-roles.ts';
import { binDigits, type FileRow, unclaimedInRange } from './file-rows.ts';
import { delegationOf, recentlyClaimedInRange, type StandingRow } from './standing-rows.ts';
import type { OnlineTop } from './signing-keys.ts';

/** What a publication does to one of the bin trees that the index signs. */
export interface TreeChange {
  readonly top: OnlineTop;
  /** Bins, as 6 hex digits, in which something changes; and whether something goes away there. */
  readonly bins: ReadonlyMap<string, { readonly shrinks: boolean }>;
  /**
   * What the bins that begin with `prefix` hold once it is published.
   * @returns `undefined` when that surely does not fit a merged leaf, if it is asked for one
   */
  contentAfter(prefix: string, use: 'leaf' | 'merged leaf'): Promise<LeafContent | undefined>;
}

/** A project whose standing an offer changes; the rows are in `offered_standings`. */
export interface OfferedMove {
  readonly bin: string;
  readonly from: OnlineTop | undefined;
  readonly to: OnlineTop | undefined;
}

/** The tree that the index signs in which projects of this standing are. */
export const onlineTop = (standing: Standing | typeof UNCLAIMED): OnlineTop | undefined =>
  standing === UNCLAIMED || standing === RECENTLY_CLAIMED ? standing : undefined;

export interface BatchEffects {
  readonly db: Kysely<Database>;
  /** Of projects that are unclaimed. */
  readonly files: readonly ChangedFile[];
  /** Projects that the batch claims or that get new keys, as they stand in `recently-claimed` after it. */
  readonly standings: ReadonlyMap<string, StandingRow>;
  /** Of these, those that were unclaimed. */
  readonly claimed: ReadonlySet<string>;
  readonly moves: readonly OfferedMove[];
}

type TouchedBins = Map<string, { readonly shrinks: boolean }>;

function touch(bins: TouchedBins, bin: string, shrinks: boolean): void {
  bins.set(bin, { shrinks: shrinks || bins.get(bin)?.shrinks === true });
}

/** What the batch makes of `unclaimed`: files come and go, and claimed projects leave with all of theirs. */
export function unclaimedChange({ db, files, standings, claimed, moves }: BatchEffects): TreeChange {
  const bins: TouchedBins = new Map();
  for (const file of files) touch(bins, binDigits(file.row.bin), isGone(file));
  for (const project of claimed) touch(bins, binDigits(standings.get(project)?.bin ?? 0), true);
  touchMoves(bins, moves, UNCLAIMED);
  return {
    top: UNCLAIMED,
    bins,
    contentAfter: async (prefix, use) => {
      const most = use === 'leaf' ? undefined : MERGE_FILES;
      const changed = files.filter(({ row }) => binDigits(row.bin).startsWith(prefix));
      const limit = most === undefined ? undefined : most + changed.filter(isGone).length + 1;
      const without = [...claimed].filter((name) => binDigits(standings.get(name)?.bin ?? 0).startsWith(prefix));
      const found = await unclaimedInRange(db, prefix, { without, limit });
      if (found.length === limit) return undefined;
      const rows = withChanges(found, changed);
      return most !== undefined && rows.size > most ? undefined : targetsOf(rows.values());
    },
  };
}

function withChanges(found: readonly FileRow[], changed: readonly ChangedFile[]): ReadonlyMap<string, FileRow> {
  const rows = new Map(found.map((row) => [row.filename, row]));
  for (const change of changed) {
    const { row, outcome } = change;
    if (isGone(change)) rows.delete(row.filename);
    else rows.set(row.filename, outcome.yanked === undefined ? row : { ...row, yanked: outcome.yanked });
  }
  return rows;
}

/** What the batch makes of `recently-claimed`: projects come, get other keys, or move on. */
export function recentlyClaimedChange({ db, standings, moves }: BatchEffects): TreeChange {
  const bins: TouchedBins = new Map();
  // What offline keys delegate is not delegated here as well.
  const changed = [...standings.values()].filter(({ standing }) => standing === RECENTLY_CLAIMED);
  for (const { bin } of changed) touch(bins, binDigits(bin), false);
  touchMoves(bins, moves, RECENTLY_CLAIMED);
  return {
    top: RECENTLY_CLAIMED,
    bins,
    contentAfter: async (prefix, use) => {
      const most = use === 'leaf' ? undefined : MERGE_PROJECTS;
      const rows = await recentlyClaimedInRange(db, prefix, most === undefined ? undefined : most + 1);
      const projects = new Map<ProjectName, ProjectDelegation>();
      for (const [name, row] of rows) projects.set(name, delegationOf(row));
      for (const row of changed) {
        const delegation = delegationOf(row);
        if (binDigits(row.bin).startsWith(prefix)) projects.set(delegation.project, delegation);
      }
      return most !== undefined && projects.size > most ? undefined : { projects };
    },
  };
}

function touchMoves(bins: TouchedBins, moves: readonly OfferedMove[], top: OnlineTop): void {
  for (const { bin, from, to } of moves) if (from === top || to === top) touch(bins, bin, from === top);
}

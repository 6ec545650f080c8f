import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { ChangesTable } from '../records/schema.ts';

export type Change = Selectable<ChangesTable>;

/**
 * Changes, with their files, that count: those that somebody asked the index for come too late when the project was claimed in the
 * meantime, but for uploads, which then wait.
 */
export const IS_EFFECTIVE: RawBuilder<boolean> = sql<boolean>`(changes.transaction_id is not null or changes.offered = 1
  or changes.kind = 'add' or not exists (select 1 from standings s where s.project = files.project))`;

/** What a batch of changes makes of one file. */
export interface Outcome {
  /** It was not published before. */
  readonly added: boolean;
  /** As in the records: the reason, perhaps empty; null when not yanked; undefined when the batch says nothing. */
  readonly yanked: string | null | undefined;
  /** For good: nothing after a deletion counts. */
  readonly deleted: boolean;
}

/** The outcome for each file that the changes name; `changes` in the order of their ids. */
export function outcomesOf(changes: readonly Change[]): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const change of changes) {
    if (change.filename === null) continue;
    const before = outcomes.get(change.filename) ?? { added: false, yanked: undefined, deleted: false };
    outcomes.set(change.filename, after(before, change));
  }
  return outcomes;
}

function after(before: Outcome, change: Change): Outcome {
  switch (change.kind) {
    case 'add':
      return { ...before, added: true };
    case 'yank':
      return { ...before, yanked: change.reason ?? '' };
    case 'unyank':
      return { ...before, yanked: null };
    case 'delete':
      return { ...before, deleted: true };
    case 'transaction':
      return before;
  }
}

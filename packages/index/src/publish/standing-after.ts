import { normalizeName } from '@holdfast/python-index';
import { projectBin, RECENTLY_CLAIMED } from '@holdfast/trust';
import type { Selectable } from 'kysely';
import type { TransactionsTable } from '../records/claims-schema.ts';
import { binNumber } from './file-rows.ts';
import type { StandingRow } from './standing-rows.ts';

type TransactionRow = Selectable<TransactionsTable>;

/** Whether only the next offline signing brings the claim into force: what offline keys signed, online ones do not undo. */
export function claimWaits(
  row: Pick<TransactionRow, 'claim'>,
  before: Pick<StandingRow, 'standing'> | undefined,
): boolean {
  return row.claim !== null && before !== undefined && before.standing !== RECENTLY_CLAIMED;
}

/** Where a project stands once its transaction is published; `undefined` when that says nothing of it. */
export function standingAfter(
  row: TransactionRow,
  before: StandingRow | undefined,
  now: Date,
): StandingRow | undefined {
  const { project, role, keys, threshold, rotations, generation, revoked, account } = row;
  if (claimWaits(row, before)) return undefined;
  const at = now.getTime();
  const signers = { role, keys, threshold, rotations: rotations ?? 0, generation: generation ?? 1 };
  if (row.claim !== null) {
    const bin = binNumber(projectBin(normalizeName(project)));
    return { project, bin, standing: RECENTLY_CLAIMED, ...signers, since: at, account, revoked_at: null };
  }
  if (!before || isSame(before, row)) return undefined;
  return { ...before, ...signers, revoked_at: revoked === 1 ? at : before.revoked_at };
}

function isSame(before: StandingRow, row: TransactionRow): boolean {
  return before.keys === row.keys && before.threshold === row.threshold && before.rotations === row.rotations;
}

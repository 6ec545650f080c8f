import {
  type CheckedTransaction,
  checkTransaction,
  mergeTransactions,
  parseRotationRole,
  type ProjectTransaction,
  TransactionRefusedError,
} from '@holdfast/trust';
import { FormatError, parseRotation, parseTargets } from '@holdfast/tuf';
import { distributionOf } from '../publish/file-rows.ts';
import type { ProjectRecord } from './project-record.ts';
import { versionTaken } from './refusals.ts';
import type { WaitingTransaction } from './waiting.ts';

/** A transaction that breaks no rule, with the signatures of all who brought it. */
export interface Judged {
  readonly transaction: ProjectTransaction;
  readonly checked: CheckedTransaction;
}

/**
 * Judges what was sent together with the signatures that wait for the same; by itself when that is something else, or when those count no
 * more.
 * @throws TransactionRefusedError, HttpError (`VERSION_TAKEN`)
 */
export async function judge(
  record: ProjectRecord,
  sent: ProjectTransaction,
  alike: WaitingTransaction | undefined,
  now: Date,
): Promise<Judged> {
  const merged = alike && mergeSent(alike.transaction, sent);
  if (merged) {
    try {
      return { transaction: merged, checked: await check(record, merged, now) };
    } catch (error) {
      if (!(error instanceof TransactionRefusedError)) throw error;
    }
  }
  try {
    return { transaction: sent, checked: await check(record, sent, now) };
  } catch (error) {
    if (error instanceof TransactionRefusedError && isBehind(error, record, sent))
      throw versionTaken(record.state.project);
    throw error;
  }
}

/** By itself, against a project as the records have it. @throws TransactionRefusedError */
export function check(
  { state, files }: ProjectRecord,
  transaction: ProjectTransaction,
  now: Date,
): Promise<CheckedTransaction> {
  return checkTransaction(state, transaction, {
    now,
    fileOf: (filename) => {
      const row = files.get(filename);
      return row && distributionOf(row);
    },
  });
}

function mergeSent(waiting: ProjectTransaction, sent: ProjectTransaction): ProjectTransaction | undefined {
  try {
    return mergeTransactions(waiting, sent);
  } catch (error) {
    if (error instanceof FormatError) return undefined; // The check of what was sent says what is wrong with it.
    throw error;
  }
}

/** Whether the version was the next one once: then somebody else came first. */
function isBehind(
  { code, role }: TransactionRefusedError,
  { state, base }: ProjectRecord,
  sent: ProjectTransaction,
): boolean {
  if (code !== 'VERSION' || role === undefined) return false;
  if (parseRotationRole(role)) return !!sent.rotation && parseRotation(sent.rotation).signed.version <= state.rotations;
  const bytes = sent.roles.get(role);
  return bytes !== undefined && parseTargets(bytes).signed.version <= (base.versions.get(role) ?? 0);
}

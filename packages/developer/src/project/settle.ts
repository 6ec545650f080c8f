import { setTimeout as sleep } from 'node:timers/promises';
import type { ProjectSigning } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import type { ProjectTransaction, WaitingFor } from '@holdfast/trust';
import { ConflictError, NotVisibleError, RefusedError } from '../errors.ts';
import type { TransactionAnswer } from './project-transaction.ts';
import { projectApi, type Workbench } from './workbench.ts';

/** What became of a change. */
export type Settled =
  /** Our own installer sees it: this is what it verified. */
  | { readonly state: 'published'; readonly signing: ProjectSigning; readonly timestampVersion: number }
  /** A claim that counts from the operators' next offline signing on, which the index may tell the date of. */
  | { readonly state: 'recorded'; readonly timestampVersion: number; readonly nextSigning: Date | undefined }
  /** Others have to sign, too. */
  | { readonly state: 'waiting'; readonly waiting: ReadonlyMap<string, WaitingFor> };

/** Refusals that say that something came first: with a new look at what is published, the same change may be right. */
const OVERTAKEN: ReadonlySet<string> = new Set(['VERSION_TAKEN', 'VERSION', 'ALREADY_CLAIMED']);
const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 50;
/** A mirror may get what its index published a little later. */
const VISIBLE_ATTEMPTS = 6;

/**
 * Sends the transaction that `make` makes of what verified metadata says; when another one came first, it is made anew of what is
 * published then.
 * @returns once an installer sees it
 * @throws NotVisibleError when the index says that it published it, and its metadata does not
 */
export async function settle(
  bench: Workbench,
  project: ProjectName,
  make: (signing: ProjectSigning) => Promise<ProjectTransaction>,
): Promise<Settled> {
  const answer = await sendUntilFirst(bench, project, make);
  if (answer.state === 'waiting') return answer;
  if (answer.state === 'recorded')
    return { ...answer, nextSigning: (await projectApi(bench, project).status()).nextSigning };
  const signing = await seen(bench, project, answer.timestampVersion);
  return { state: 'published', signing, timestampVersion: signing.timestampVersion };
}

async function sendUntilFirst(
  bench: Workbench,
  project: ProjectName,
  make: (signing: ProjectSigning) => Promise<ProjectTransaction>,
): Promise<TransactionAnswer> {
  const api = projectApi(bench, project);
  for (let attempt = 1; ; attempt++) {
    const transaction = await make(await bench.client.signing(project));
    try {
      return await api.send(transaction);
    } catch (error) {
      if (!isOvertaken(error) || attempt === ATTEMPTS) throw error;
      // The one that came first is being published now: what it changed can be seen a moment later.
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
      await bench.client.refresh();
    }
  }
}

function isOvertaken(error: unknown): boolean {
  return (error instanceof ConflictError || error instanceof RefusedError) && OVERTAKEN.has(error.reason);
}

/** What an installer verifies of the project, once it is at least as new as this timestamp. @throws NotVisibleError */
export async function seen(bench: Workbench, project: ProjectName, timestampVersion: number): Promise<ProjectSigning> {
  for (let attempt = 1; ; attempt++) {
    const { timestampVersion: newest } = await bench.client.refresh();
    if (newest >= timestampVersion) return bench.client.signing(project);
    if (attempt === VISIBLE_ATTEMPTS) throw new NotVisibleError(project, timestampVersion, newest);
    await sleep(FIRST_PAUSE_MS * 4 ** attempt);
  }
}

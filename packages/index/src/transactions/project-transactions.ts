import type { ProjectName } from '@holdfast/python-index';
import type { ProjectTransaction } from '@holdfast/trust';
import type { Identity } from '../accounts/accounts.ts';
import { partIn } from '../accounts/membership.ts';
import { projectsOf } from './projects-of.ts';
import { discardStaged, giveWay } from './staged.ts';
import { type ProjectStatus, projectStatus } from './status.ts';
import { type Submitted, type SubmitParts, submitTransaction } from './submit.ts';
import { withdrawTransaction } from './withdraw.ts';

export interface TransactionParts extends SubmitParts {
  /** When the offline keys are to sign next, where that is known. */
  readonly nextSigning: () => Promise<Date | undefined>;
  /** For how long transactions wait for signatures, in milliseconds. */
  readonly waitingMs: number;
}

/** What developers sign for their projects, in every process of an index. */
export class ProjectTransactions {
  readonly #parts: TransactionParts;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
  }

  /** @throws as {@link submitTransaction}; then nothing was changed */
  submit(identity: Identity, project: ProjectName, transaction: ProjectTransaction): Promise<Submitted> {
    return submitTransaction(this.#parts, identity, project, transaction);
  }

  /** What waits is told to members, and to those who hold a key of the project. */
  async status(identity: Identity | undefined, project: ProjectName): Promise<ProjectStatus> {
    const { records, clock, nextSigning, waitingMs } = this.#parts;
    const part = identity && (await partIn(records.read, identity, project));
    const isMember = part === 'member' || part === 'key-holder';
    const options = { isMember, nextSigning: await nextSigning(), waitingMs, now: clock() };
    return await projectStatus(records.read, project, options);
  }

  /** Takes a staged file away. @throws HttpError, NotYourProjectError */
  async discard(identity: Identity, project: ProjectName, filename: string): Promise<void> {
    await discardStaged(this.#parts, identity, project, filename);
  }

  /** Frees the name of a staged file for a member, if somebody else brought it. */
  giveWay(identity: Identity, project: ProjectName, filename: string): Promise<boolean> {
    return giveWay(this.#parts, identity, project, filename);
  }

  /** Takes away a transaction that waits for signatures. @throws HttpError, NotYourProjectError */
  async withdraw(identity: Identity, project: ProjectName, id: number): Promise<void> {
    await withdrawTransaction(this.#parts.records, identity, project, id);
  }

  /** Projects that the account is a member of, or whose own role names one of its keys; sorted. */
  projectsOf(account: string): Promise<readonly string[]> {
    return projectsOf(this.#parts.records.read, account);
  }
}

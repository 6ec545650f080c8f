import type { ProjectName } from '@holdfast/python-index';
import type { ProjectTransaction } from '@holdfast/trust';
import type { IndexApi } from '../account/index-api.ts';
import { FormatError } from '@holdfast/tuf';
import { UnexpectedAnswerError } from '../errors.ts';
import { FieldError } from '../json-fields.ts';
import type { LocalFile } from './local-files.ts';
import { type ProjectStatus, readProjectStatus } from './project-status.ts';
import { readTransactionAnswer, type TransactionAnswer, transactionBody } from './project-transaction.ts';
import { uploadBody, type UploadIntent } from './upload-body.ts';

/** A project with thousands of files and a few transactions that wait for signatures. */
const MAX_STATUS_BYTES = 64 << 20;

/** What an index does with one project. None of its answers is believed about what is published, or whose key counts. */
export class ProjectApi {
  readonly project: ProjectName;
  readonly #index: IndexApi;

  constructor(index: IndexApi, project: ProjectName) {
    this.project = project;
    this.#index = index;
  }

  /** @throws as IndexApi.get */
  async status(): Promise<ProjectStatus> {
    const body = await this.#index.get(`${this.#path}/status`, { maxLength: MAX_STATUS_BYTES });
    return this.#read(() => readProjectStatus(this.project, body));
  }

  /**
   * Sends a file. Sent again, it is there already: nothing changes.
   * @returns what the index says about it, for people
   * @throws as IndexApi.upload
   */
  stage(file: LocalFile, intent: UploadIntent, sent?: (bytes: number) => void): Promise<string> {
    return this.#index.upload('legacy/', uploadBody(file, intent, sent));
  }

  /** @throws ConflictError when another transaction came first, RefusedError; then nothing was changed */
  async send(transaction: ProjectTransaction): Promise<TransactionAnswer> {
    const answer = await this.#index.post(`${this.#path}/transactions`, transactionBody(transaction));
    return this.#read(() => readTransactionAnswer(answer));
  }

  /** Takes away a file that waits. @throws RefusedError, ConflictError; then nothing was changed */
  async discard(filename: string): Promise<void> {
    await this.#index.delete(`${this.#path}/staged/${encodeURIComponent(filename)}`, undefined);
  }

  /** Takes away a transaction that waits for signatures. @throws RefusedError; then nothing was changed */
  async withdraw(id: number): Promise<void> {
    await this.#index.delete(`${this.#path}/transactions/${id}`, undefined);
  }

  /** For projects that are not claimed: PEP 592. @returns the version of the timestamp that says so */
  async yank(filenames: readonly string[], yanked: boolean, reason?: string): Promise<number> {
    const body = { filenames, yanked, ...(reason !== undefined && { reason }) };
    const { body: answer } = await this.#index.post(`${this.#path}/yank`, body);
    const version = answer.get('timestamp_version');
    return this.#read(() => {
      if (typeof version !== 'number') throw new FieldError('timestamp_version', 'should be a number');
      return version;
    });
  }

  get #path(): string {
    return `api/v1/projects/${this.project}`;
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof FieldError || cause instanceof FormatError)) throw cause;
      throw new UnexpectedAnswerError(new URL(this.#path, this.#index.url).href, cause.message, { cause });
    }
  }
}

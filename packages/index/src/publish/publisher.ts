import type { ProjectName } from '@holdfast/python-index';
import { FileUnknownError, IndexClosedError, PublishDelayedError } from '../errors.ts';
import type { Records } from '../records/records.ts';
import type { ChangeKind } from '../records/schema.ts';
import type { Trace } from '../tracing/tracer.ts';
import type { Watch } from '../watch.ts';
import { Batches } from './batches.ts';
import { takeIn, type Taken } from './intake.ts';
import { assertSignedByIndex } from './intake-projects.ts';
import type { NewFile, Published } from './new-file.ts';
import type { RoleTable } from './role-table.ts';
import { assertSignable, signableReason } from './signable.ts';
import { Waiters } from './waiters.ts';

export interface PublisherParts {
  readonly records: Records;
  readonly table: RoleTable;
  readonly clock: () => Date;
  /** Called when something waits to be signed. */
  readonly onWaiting: () => void;
  /** Sees the `intake` into the queue. */
  readonly watch: Watch;
}

/** Uploads that share one transaction at intake. */
const MAX_INTAKE = 200;
/** Milliseconds after which whoever waits is told to ask again: no process signs, or the one that does is far behind. */
const PATIENCE_MS = 40_000;

/**
 * What every process of an index does for those who change it: takes the change into the queue in the records, and waits
 * until it is in signed metadata, whichever process signs it.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #intake: Batches<NewFile, Taken>;
  readonly #waiters = new Waiters(PATIENCE_MS);
  #closed = false;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#intake = new Batches(MAX_INTAKE, (files) =>
      parts.watch({ part: 'publish', operation: 'intake' }, () =>
        parts.records.write((db) => takeIn(db, files, parts.clock())),
      ),
    );
  }

  /**
   * Publishes a file whose object is stored. Resolves when it is in signed metadata that everyone can fetch; or, where the index does
   * not sign for the project alone, when it is recorded as staged.
   * @throws FilenameTakenError, ProjectFullError, NotYourProjectError, UnsignableFileError — nothing was changed
   * @throws PublishDelayedError — recorded, and published later
   * @throws IndexClosedError, StorageFullError
   */
  async publish(file: NewFile): Promise<Published> {
    if (this.#closed) throw new IndexClosedError();
    assertSignable(file);
    const taken = await this.#intake.add(file);
    if (taken.state === 'refused') throw taken.error;
    if (taken.state === 'staged')
      return { outcome: 'staged', waitsFor: taken.waitsFor, timestampVersion: this.#version() };
    if (taken.state === 'published') return { outcome: 'already-published', timestampVersion: this.#version() };
    const timestampVersion = await this.#published(taken.change);
    return { outcome: taken.isNew ? 'published' : 'already-published', timestampVersion };
  }

  /**
   * Waits until a change that {@link PublisherParts.records} took in is in signed metadata that everyone can fetch.
   * @returns the version of the timestamp that leads to it
   * @throws PublishDelayedError, IndexClosedError
   */
  untilPublished(change: number): Promise<number> {
    return this.#published(change);
  }

  /** PEP 592: `true` or a reason yanks, `false` takes it back. @throws FileUnknownError, ClaimedProjectError */
  setYanked(
    project: ProjectName,
    filenames: readonly string[],
    yanked: boolean | string,
  ): Promise<{ readonly timestampVersion: number }> {
    const reason = typeof yanked === 'string' ? signableReason(yanked) : '';
    return this.#change(project, filenames, yanked === false ? 'unyank' : 'yank', yanked === false ? null : reason);
  }

  /** Takes a file out of the index for good; its name stays taken. @throws FileUnknownError, ClaimedProjectError */
  delete(project: ProjectName, filename: string): Promise<{ readonly timestampVersion: number }> {
    return this.#change(project, [filename], 'delete', null);
  }

  /** The traces of those who wait for these changes. */
  tracesOf(changes: readonly number[]): Trace[] {
    return this.#waiters.tracesOf(changes);
  }

  /** All changes up to this one are in metadata that everyone can fetch, under a timestamp of this version. @returns the requests that waited */
  published(upTo: number, timestampVersion: number): string[] {
    return this.#waiters.published(upTo, timestampVersion);
  }

  /** Whoever waits is told that it takes longer. */
  delayed(cause: unknown): string[] {
    return this.#waiters.fail(new PublishDelayedError({ cause }));
  }

  /** Takes no more. What waits is signed by another process, or at the next start. */
  close(): void {
    this.#closed = true;
    this.#waiters.fail(new IndexClosedError());
  }

  async #change(
    project: ProjectName,
    filenames: readonly string[],
    kind: ChangeKind,
    reason: string | null,
  ): Promise<{ readonly timestampVersion: number }> {
    if (this.#closed) throw new IndexClosedError();
    const recorded_at = this.#parts.clock().getTime();
    const last = await this.#parts.records.write(async (db) => {
      await assertSignedByIndex(db, project);
      let id = 0;
      for (const filename of filenames) {
        const row = await db
          .selectFrom('files')
          .select('state')
          .where('filename', '=', filename)
          .where('project', '=', project)
          .executeTakeFirst();
        if (row?.state !== 'published') throw new FileUnknownError(project, filename);
        const change = { kind, filename, reason, account: null, recorded_at, publication: null };
        ({ id } = await db.insertInto('changes').values(change).returning('id').executeTakeFirstOrThrow());
      }
      return id;
    });
    if (last === 0) return { timestampVersion: this.#version() };
    return { timestampVersion: await this.#published(last) };
  }

  #published(change: number): Promise<number> {
    if (this.#closed) return Promise.reject(new IndexClosedError());
    const published = this.#waiters.until(change, () => this.#version());
    this.#parts.onWaiting();
    return published;
  }

  /** Of the timestamp that everyone gets. */
  #version(): number {
    return this.#parts.table.version('timestamp') ?? 0;
  }
}

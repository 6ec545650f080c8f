import type { ProjectName } from '@holdfast/python-index';
import { encodeTarget, UNCLAIMED } from '@holdfast/trust';
import { encodeJson, targetsJson } from '@holdfast/tuf';
import type { Logger } from 'pino';
import { FileUnknownError, IndexClosedError, PublishDelayedError, UnsignableFileError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { Records } from '../records/records.ts';
import type { ChangeKind } from '../records/schema.ts';
import { Batches } from './batches.ts';
import { takeIn, type Taken } from './intake.ts';
import { dueBins, timestampIsDue } from './due.ts';
import type { Lifetimes } from './lifetimes.ts';
import type { NewFile, Published } from './new-file.ts';
import { preparePublication, type SignedRole } from './prepare.ts';
import { finishPublication, recordPublication, unfinishedPublication } from './publications.ts';
import type { RoleTable } from './role-table.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface PublisherParts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly table: RoleTable;
  readonly lifetimes: Lifetimes;
  readonly clock: () => Date;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Called when a publication has become visible. */
  readonly onPublished: () => void;
}

/** Uploads that share one transaction at intake, and changes that share one publication. */
const MAX_INTAKE = 200;
const MAX_CHANGES = 500;
/** Bins that are signed again for their age in one publication: the rest follows in the next. */
const MAX_RENEWALS = 200;
/** Renewal is looked for this often, in milliseconds, and ten times in the life of a timestamp. */
const MAX_LOOK_MS = 60_000;

interface Waiter {
  readonly resolve: (snapshotVersion: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The one signer of an index (DESIGN §5). Changes wait in the records; whatever waits is signed together, written to the
 * records as a prepared publication, put into the object store, timestamp last, and only then acknowledged.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  #keys: SigningKeys;
  readonly #intake: Batches<NewFile, Taken>;
  readonly #waiters = new Map<number, Waiter[]>();
  readonly #timer: NodeJS.Timeout;
  #imports: { readonly keys: SigningKeys; readonly roles: readonly SignedRole[]; readonly waiter: Waiter }[] = [];
  #unfinished: boolean;
  #signing: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(parts: PublisherParts, keys: SigningKeys) {
    this.#parts = parts;
    this.#keys = keys;
    this.#unfinished = true;
    this.#intake = new Batches(MAX_INTAKE, (files) =>
      this.#parts.records.write((db) => takeIn(db, files, this.#parts.clock())),
    );
    const look = Math.min(MAX_LOOK_MS, parts.lifetimes.timestamp * 100);
    this.#timer = setInterval(() => this.#wake(), look).unref();
  }

  /** Puts what was prepared before, signs what waits and what is due; resolves when everything is visible. */
  async catchUp(): Promise<void> {
    await this.#sign();
  }

  /**
   * Publishes a file whose object is stored. Resolves when it is in signed metadata that everyone can fetch.
   * @throws FilenameTakenError, ProjectFullError, NotYourProjectError, UnsignableFileError — nothing was changed
   * @throws PublishDelayedError — recorded, and published later
   * @throws IndexClosedError, StorageFullError
   */
  async publish(file: NewFile): Promise<Published> {
    if (this.#closed) throw new IndexClosedError();
    assertSignable(file);
    const taken = await this.#intake.add(file);
    if (taken.state === 'refused') throw taken.error;
    const published = this.#parts.table.get('snapshot')?.version ?? 0;
    if (taken.state === 'published') return { outcome: 'already-published', snapshotVersion: published };
    const snapshotVersion = await this.#published(taken.change);
    return { outcome: taken.isNew ? 'published' : 'already-published', snapshotVersion };
  }

  /** PEP 592: `true` or a reason yanks, `false` takes it back. @throws FileUnknownError */
  setYanked(
    project: ProjectName,
    filenames: readonly string[],
    yanked: boolean | string,
  ): Promise<{ readonly snapshotVersion: number }> {
    const reason = typeof yanked === 'string' ? yanked.toWellFormed() : '';
    return this.#change(project, filenames, yanked === false ? 'unyank' : 'yank', yanked === false ? null : reason);
  }

  /** Takes a file out of the index for good; its name stays taken. @throws FileUnknownError */
  delete(project: ProjectName, filename: string): Promise<{ readonly snapshotVersion: number }> {
    return this.#change(project, [filename], 'delete', null);
  }

  /** Publishes roles that others signed, under the keys that go with them. */
  importRoles(roles: readonly SignedRole[], keys: SigningKeys): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#imports.push({ keys, roles, waiter: { resolve, reject } });
      this.#wake();
    });
  }

  /** Takes no more, finishes what is being signed. What waits is signed at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#signing?.catch(() => {}); // It was logged, and whoever waits was told.
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(new IndexClosedError());
    this.#waiters.clear();
  }

  async #change(
    project: ProjectName,
    filenames: readonly string[],
    kind: ChangeKind,
    reason: string | null,
  ): Promise<{ readonly snapshotVersion: number }> {
    if (this.#closed) throw new IndexClosedError();
    const recorded_at = this.#parts.clock().getTime();
    const last = await this.#parts.records.write(async (db) => {
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
    if (last === 0) return { snapshotVersion: this.#parts.table.get('snapshot')?.version ?? 0 };
    return { snapshotVersion: await this.#published(last) };
  }

  /** Resolves with the snapshot that holds the change. */
  #published(change: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new IndexClosedError());
      const waiters = this.#waiters.get(change);
      if (waiters) waiters.push({ resolve, reject });
      else this.#waiters.set(change, [{ resolve, reject }]);
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#closed) return;
    if (this.#signing) this.#again = true;
    else void this.#sign().catch(() => {}); // Whoever waits was told; the timer tries again.
  }

  #sign(): Promise<void> {
    this.#signing ??= this.#signAll().finally(() => {
      this.#signing = undefined;
    });
    return this.#signing;
  }

  async #signAll(): Promise<void> {
    try {
      do this.#again = false;
      while ((await this.#publishOnce()) || this.#again);
    } catch (error) {
      this.#parts.logger.error({ err: error }, 'publishing failed; it is tried again');
      this.#failWaiters(error);
      throw error;
    }
  }

  /** One publication. Whether there was anything to publish. */
  async #publishOnce(): Promise<boolean> {
    const { records, table, lifetimes, clock, random } = this.#parts;
    if (this.#unfinished) await this.#finish();
    const now = clock();
    const imports = this.#imports;
    const changes = await records.read
      .selectFrom('changes')
      .selectAll()
      .where('publication', 'is', null)
      .orderBy('id')
      .limit(MAX_CHANGES)
      .execute();
    const newKeys = imports.at(-1)?.keys;
    const keysChanged = newKeys !== undefined;
    const renewals = keysChanged ? await this.#allBins() : await dueBins(records.read, lifetimes, now, MAX_RENEWALS);
    if (table.get(UNCLAIMED) === undefined) renewals.push(UNCLAIMED);
    const nothing = changes.length === 0 && renewals.length === 0 && imports.length === 0;
    if (nothing && !timestampIsDue(table, lifetimes, now)) return false;
    const publication = await preparePublication({
      db: records.read,
      table,
      keys: newKeys ?? this.#keys,
      lifetimes,
      now,
      random,
      changes,
      renewals,
      imported: imports.flatMap(({ roles }) => roles),
    });
    await recordPublication(records, publication, now);
    this.#unfinished = true;
    if (newKeys) this.#keys = newKeys;
    await this.#finish();
    this.#imports = this.#imports.slice(imports.length);
    for (const { waiter } of imports) waiter.resolve(publication.snapshot);
    return !nothing;
  }

  /** Puts the prepared publication, if there is one, into the object store and tells whoever waits for it. */
  async #finish(): Promise<void> {
    const { records, objects, table, clock, onPublished } = this.#parts;
    const pending = await unfinishedPublication(records);
    if (pending) {
      await finishPublication(records, objects, pending, clock());
      for (const { role, version, expiresAt } of pending.roles) table.set(role, { version, expiresAt });
      onPublished();
      for (const id of pending.changes) {
        for (const { resolve } of this.#waiters.get(id) ?? []) resolve(pending.snapshot);
        this.#waiters.delete(id);
      }
    }
    this.#unfinished = false;
  }

  async #allBins(): Promise<string[]> {
    return Array.from(this.#parts.table.entries(), ([role]) => role).filter(
      (role) => role === UNCLAIMED || role.startsWith(`${UNCLAIMED}.`),
    );
  }

  #failWaiters(cause: unknown): void {
    const error = new PublishDelayedError({ cause });
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(error);
    this.#waiters.clear();
    for (const { waiter } of this.#imports) waiter.reject(error);
    this.#imports = [];
  }
}

/** What cannot be encoded must not reach the queue: it would stop everyone else's changes. */
function assertSignable(file: NewFile): void {
  const { coreMetadata, requiresPython, ...facts } = file;
  try {
    const { path, file: target } = encodeTarget({
      ...facts,
      ...(coreMetadata && { coreMetadata }),
      ...(requiresPython !== undefined && { requiresPython }),
    });
    encodeJson(targetsJson({ version: 1, expires: file.uploadTime, targets: new Map([[path, target]]) }));
  } catch (cause) {
    throw new UnsignableFileError(file.filename, { cause });
  }
}

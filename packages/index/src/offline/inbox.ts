import { hash } from 'node:crypto';
import { parseRoot, parseTargets } from '@holdfast/tuf';
import type { Logger } from 'pino';
import { MetadataRefusedError, OnlineKeyError } from '../errors.ts';
import type { OfflineOffer } from '../publish/offline.ts';
import type { RoleTable } from '../publish/role-table.ts';
import type { Records } from '../records/records.ts';
import { loadOffer } from './offers.ts';

/** It is looked for this often, in milliseconds. */
const LOOK_MS = 1_000;

export interface InboxParts {
  /** Those of the right to sign. */
  readonly records: Records;
  readonly table: Pick<RoleTable, 'newest' | 'version' | 'retired'>;
  readonly logger: Logger;
  importOffline(offer: OfflineOffer): Promise<unknown>;
}

/**
 * Publishes what admin commands write into the records, wherever they run: docs/formats/offline-signing.md, "Import". In the process that
 * signs only. What a crash interrupts is taken up by the next one that signs.
 */
export class OfflineInbox {
  readonly #parts: InboxParts;
  readonly #timer: NodeJS.Timeout;
  readonly #handed = Promise.withResolvers<void>();
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
    this.look();
  }

  /** What was waiting at the beginning has been handed over: whoever signs next signs it first, and nothing twice because of it. */
  get handed(): Promise<void> {
    return this.#handed.promise;
  }

  /** Looks now. */
  look(): void {
    if (this.#closed) return;
    this.#looking ??= this.#take()
      .catch((error: unknown) =>
        this.#parts.logger.error({ err: error }, 'an offline signing waits; it is tried again'),
      )
      .finally(() => {
        this.#looking = undefined;
        this.#handed.resolve();
      });
  }

  /** Begins with nothing more; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #take(): Promise<void> {
    const { records } = this.#parts;
    for (;;) {
      const row = await records.read
        .selectFrom('offline_imports')
        .select('id')
        .where('state', 'in', ['waiting', 'publishing'])
        .orderBy('id')
        .limit(1)
        .executeTakeFirst();
      if (!row || this.#closed) return;
      await this.#set(row.id, { state: 'publishing' });
      await this.#publish(row.id, await loadOffer(records, row.id));
    }
  }

  async #publish(id: number, offer: OfflineOffer): Promise<void> {
    const { table, importOffline, logger } = this.#parts;
    try {
      if (!(await this.#isPublished(offer))) {
        const publishing = importOffline(offer);
        this.#handed.resolve();
        await publishing;
      }
      await this.#end(id, { state: 'published', timestamp_version: table.newest });
      logger.info({ offlineImport: id, timestampVersion: table.newest }, 'offline signing');
    } catch (error) {
      if (!(error instanceof MetadataRefusedError || error instanceof OnlineKeyError)) throw error;
      // Of one that a crash interrupted, too, the publication may have been finished before this process looked.
      if (await this.#isPublished(offer))
        return await this.#end(id, { state: 'published', timestamp_version: table.newest });
      logger.warn({ offlineImport: id, err: error }, 'an offline signing was refused');
      await this.#end(id, { state: 'refused', message: error.message });
    }
  }

  /** Whether everyone can fetch all of it already. */
  async #isPublished({ root, targets, roles = new Map(), retired = [] }: OfflineOffer): Promise<boolean> {
    const { records, table } = this.#parts;
    if (root) {
      const { version } = parseRoot(root).signed;
      const row = await records.read
        .selectFrom('roots')
        .select('bytes')
        .where('version', '=', version)
        .executeTakeFirst();
      if (!row || hash('sha256', row.bytes) !== hash('sha256', root)) return false;
    }
    const files = new Map(targets ? [...roles, ['targets', targets] as const] : roles);
    for (const [role, bytes] of files) {
      if (table.version(role) !== parseTargets(bytes).signed.version) return false;
      const row = await records.read.selectFrom('roles').select('sha256').where('role', '=', role).executeTakeFirst();
      if (row?.sha256 !== hash('sha256', bytes)) return false;
    }
    return retired.every((role) => table.version(role) === undefined);
  }

  async #set(id: number, change: { state: 'publishing' }): Promise<void> {
    await this.#parts.records.write((db) =>
      db.updateTable('offline_imports').set(change).where('id', '=', id).execute(),
    );
  }

  async #end(
    id: number,
    outcome: { state: 'published'; timestamp_version: number } | { state: 'refused'; message: string },
  ): Promise<void> {
    await this.#parts.records.write(async (db) => {
      await db.updateTable('offline_imports').set(outcome).where('id', '=', id).execute();
      await db.deleteFrom('offline_import_roles').where('import_id', '=', id).execute();
    });
  }
}

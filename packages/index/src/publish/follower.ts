import type { Logger } from 'pino';
import type { Records } from '../records/records.ts';
import type { RoleTable } from './role-table.ts';

/** What other processes published since this one looked last. */
export interface Followed {
  /** The version of the newest timestamp. */
  readonly id: number;
  /** The newest root, when there is a new one. */
  readonly root: Uint8Array | undefined;
  /** The last change that was published; 0 when there was none. */
  readonly upTo: number;
  /** Projects whose files changed. */
  readonly projects: ReadonlySet<string>;
}

export interface FollowerParts {
  readonly records: Records;
  readonly table: RoleTable;
  readonly logger: Logger;
  readonly onFollowed: (followed: Followed) => void;
}

/** Keeps what this process serves up to date with what another one publishes. It costs as much as what changed. */
export class Follower {
  readonly #parts: FollowerParts;
  #running: Promise<void> | undefined;
  #again = false;
  #failing = false;
  /** The publication that was told of last. */
  #told: number;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#told = parts.table.newest;
  }

  /** This process published it itself, and tells of it itself. */
  published(id: number): void {
    this.#told = id;
  }

  /** Looks for news; asked while it does, it looks once more. */
  catchUp(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** The same, for whoever does not wait: what fails is tried again at the next news. */
  look(): void {
    void this.#tryToCatchUp();
  }

  async #tryToCatchUp(): Promise<void> {
    try {
      await this.catchUp();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#parts.logger.error({ err: error }, 'what is published is not learnt at the moment');
      this.#failing = true;
    }
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#follow();
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #follow(): Promise<void> {
    const { records, table, onFollowed } = this.#parts;
    const id = await table.follow(records);
    const seen = this.#told;
    if (id === seen) return;
    const { read } = records;
    const [root, last, changed] = await Promise.all([
      read
        .selectFrom('roots')
        .select('bytes')
        .where('publication', '>', seen)
        .where('publication', '<=', id)
        .orderBy('version', 'desc')
        .executeTakeFirst(),
      read
        .selectFrom('changes')
        .select((eb) => eb.fn.max<number | null>('id').as('id'))
        .where('publication', '>', seen)
        .where('publication', '<=', id)
        // Others may have come before those that an offline signing makes, and wait on.
        .where('offered', '=', 0)
        .executeTakeFirst(),
      read
        .selectFrom('changes')
        .innerJoin('files', 'files.filename', 'changes.filename')
        .select('files.project')
        .distinct()
        .where('changes.publication', '>', seen)
        .where('changes.publication', '<=', id)
        .execute(),
    ]);
    const projects = new Set(changed.map(({ project }) => project));
    this.#told = id;
    onFollowed({ id, root: root?.bytes, upTo: last?.id ?? 0, projects });
  }
}

import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { asProjectName, type ProjectName } from '@holdfast/python-index';
import type { PublishedState } from '@holdfast/trust';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { FarmRunningError } from '../errors.ts';
import { BuildLogs } from './build-logs.ts';
import type { BuildRecord, BuildStanding } from './build-record.ts';

const SCHEMA = `
create table if not exists followed (one integer primary key check (one = 1), version integer not null, root text not null) strict;
create table if not exists looks (project text primary key, due integer not null, failures integer not null default 0) strict;
create table if not exists builds (
  sdist text primary key, project text not null, filename text not null, standing text not null, attempts integer not null,
  code text, reason text, detail text, next_try integer, updated_at integer not null,
  wheel text, wheel_sha256 text, wheel_size integer, log text
) strict;
create index if not exists builds_project on builds (project);`;

type Row = Readonly<Record<string, SQLOutputValue>>;

/** What a farm has built, tried and failed at, and what it has to look at next. Every change is on disk when its call returns. */
export class FarmState {
  readonly directory: string;
  readonly logs: BuildLogs;
  /** For the files of builds that are under way. Absolute. */
  readonly scratch: string;
  readonly #db: DatabaseSync;

  private constructor(directory: string, db: DatabaseSync) {
    this.directory = directory;
    this.logs = new BuildLogs(join(directory, 'logs'));
    this.scratch = resolve(directory, 'scratch');
    this.#db = db;
  }

  /**
   * Makes the directory if it is not there. Held by one process at a time; a killed one holds nothing.
   * @throws FarmRunningError
   */
  static open(directory: string): FarmState {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const db = new DatabaseSync(join(directory, 'farm.sqlite'));
    try {
      // With this mode the lock of the first transaction stays until the connection closes.
      db.exec('pragma locking_mode = exclusive; begin exclusive;');
      db.exec(`${SCHEMA} commit;`);
      addLog(db);
    } catch (cause) {
      db.close();
      if (cause instanceof Error && 'errcode' in cause && cause.errcode === 5)
        throw new FarmRunningError(directory, { cause });
      throw cause;
    }
    return new FarmState(directory, db).#cleared();
  }

  /** Without what a farm left behind that was killed while it built. */
  #cleared(): this {
    rmSync(this.scratch, { recursive: true, force: true });
    mkdirSync(this.scratch, { mode: 0o700 });
    return this;
  }

  /** The publication up to which the feed was followed, and all its projects were written down. */
  get followed(): PublishedState | undefined {
    const row = this.#get('select version, root from followed');
    return row && { version: Number(row['version']), root: String(row['root']) };
  }

  /** Writes down a publication and the projects that are to be looked at because of it, at once or not at all. */
  follow(after: PublishedState, projects: Iterable<ProjectName>, now: Date): void {
    this.#db.exec('begin');
    try {
      for (const project of projects) this.look(project, now);
      const { version, root } = after;
      this.#run('insert or replace into followed values (1, ?, ?)', version, root);
      this.#db.exec('commit');
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }

  /** A project is to be looked at from then on; a look that did not fail forgets the failures before. */
  look(project: ProjectName, due: Date, failures = 0): void {
    this.#run('insert or replace into looks values (?, ?, ?)', project, due.getTime(), failures);
  }

  /** Nothing is to be done for a project until its roles change. */
  rest(project: ProjectName): void {
    this.#run('delete from looks where project = ?', project);
  }

  /** Projects that are to be looked at, the longest due first. */
  due(now: Date): readonly ProjectName[] {
    const rows = this.#all('select project from looks where due <= ? order by due, project', now.getTime());
    return rows.flatMap(({ project }) => asProjectName(String(project)) ?? []);
  }

  failures(project: ProjectName): number {
    return Number(this.#get('select failures from looks where project = ?', project)?.['failures'] ?? 0);
  }

  build(sdist: string): BuildRecord | undefined {
    const row = this.#get('select * from builds where sdist = ?', sdist);
    return row && recordOf(row);
  }

  /** All of them, or those of one project. */
  builds(project?: ProjectName): readonly BuildRecord[] {
    const rows =
      project === undefined
        ? this.#all('select * from builds order by updated_at, sdist')
        : this.#all('select * from builds where project = ? order by updated_at, sdist', project);
    return rows.map(recordOf);
  }

  put(record: BuildRecord): void {
    const { sdist, project, filename, standing, attempts, code, reason, detail, log, nextTry, updatedAt, wheel } =
      record;
    const what = [sdist, project, filename, standing, attempts, code ?? null, reason ?? null, detail ?? null];
    const when = [nextTry?.getTime() ?? null, updatedAt.getTime()];
    const made = [wheel?.filename ?? null, wheel?.sha256 ?? null, wheel?.size ?? null, log ?? null];
    this.#run(`insert or replace into builds values (${'?,'.repeat(13)}?)`, ...what, ...when, ...made);
  }

  /** Where the wheel of an sdist is kept. The name was parsed: it has no separators. */
  wheelPath(sdist: string, filename: string): string {
    return join(this.directory, 'wheels', sdist, filename);
  }

  async keepWheel(sdist: string, filename: string, bytes: Uint8Array): Promise<void> {
    const directory = join(this.directory, 'wheels', sdist);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await writeFileAtomic(this.wheelPath(sdist, filename), bytes);
  }

  close(): void {
    this.#db.close();
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#db.prepare(sql).run(...values);
  }

  #get(sql: string, ...values: (string | number)[]): Row | undefined {
    return this.#db.prepare(sql).get(...values);
  }

  #all(sql: string, ...values: (string | number)[]): readonly Row[] {
    return this.#db.prepare(sql).all(...values);
  }
}

/** States of before there were files of logs. */
function addLog(db: DatabaseSync): void {
  const columns = db.prepare('pragma table_info(builds)').all();
  if (!columns.some(({ name }) => name === 'log')) db.exec('alter table builds add column log text');
}

function recordOf(row: Row): BuildRecord {
  const text = (name: string): string | undefined => (typeof row[name] === 'string' ? row[name] : undefined);
  const wheel = text('wheel');
  return {
    sdist: text('sdist') ?? '',
    project: (text('project') ?? '') as ProjectName,
    filename: text('filename') ?? '',
    standing: (text('standing') ?? 'failed') as BuildStanding,
    attempts: Number(row['attempts']),
    code: text('code'),
    reason: text('reason'),
    detail: text('detail'),
    log: text('log'),
    nextTry: row['next_try'] === null ? undefined : new Date(Number(row['next_try'])),
    updatedAt: new Date(Number(row['updated_at'])),
    wheel:
      wheel === undefined
        ? undefined
        : { filename: wheel, sha256: text('wheel_sha256') ?? '', size: Number(row['wheel_size']) },
  };
}

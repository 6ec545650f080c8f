import { copyFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backup as copyDatabase, DatabaseSync } from 'node:sqlite';
import { MANIFEST, readEmbeddedConfig } from '../backup/backup.ts';
import { raiseVersions } from '../backup/raise-versions.ts';
import { JUMP } from '../backup/restore.ts';
import { NoBackupError, WrongBackupError } from '../errors.ts';
import { LOCK } from '../open.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { holdIndex } from '../single-writer.ts';
import { applyPlan } from './apply-records.ts';
import { type KeptFile, readKeptFiles } from './kept-files.ts';
import { planRecovery, type RecoveryPlan } from './plan.ts';
import { putCoreMetadata, type RecoveredObjects, recoverMetadata, recoverObjects } from './recover-objects.ts';
import { StillRecords } from './still-records.ts';
import { StoredMetadata } from './stored-metadata.ts';

export interface RecoverOptions {
  /** Of the index; nobody serves it. */
  readonly directory: string;
  /** As `backupIndex` made it. */
  readonly backup: string;
  /** The newest publication that is believed: version of its timestamp. A backup of a later one is refused. */
  readonly since: number;
  /** SHA-256 by filename: unclaimed files published since then that the operators checked. */
  readonly keep?: ReadonlyMap<string, string>;
  readonly keepTokens?: boolean;
  readonly now?: Date;
}

export interface Recovered extends RecoveryPlan {
  readonly objects: RecoveredObjects;
  /** The index goes on after this version of the timestamp. */
  readonly timestampVersion: number;
  /** Where the records and objects are that were taken out, for those who look into the theft. */
  readonly aside: string;
}

const FRESH = 'records.sqlite.recovering';
const WHOLE = 'records.sqlite.recovered';
const SEEN = 'records.sqlite.seen';

/**
 * What a recovery would do; nothing is changed.
 * @throws NoBackupError, WrongBackupError, IndexInUseError, NotEmbeddedError, DamagedIndexError
 */
export function planRecover(options: RecoverOptions): Promise<RecoveryPlan> {
  return withStates(options, ({ plan }) => Promise.resolve(plan));
}

/**
 * Makes the index what the plan says: the records of the backup, with what offline keys and developers signed since then and the files
 * that operators checked. They are made beside the present ones and take their place in one step, at the end: broken off anywhere, the
 * same call begins anew.
 * @throws as {@link planRecover}
 */
export function recoverIndex(options: RecoverOptions): Promise<Recovered> {
  const { directory, backup, now = new Date(), keepTokens = false } = options;
  return withStates(options, async ({ plan, present, kept }) => {
    const fresh = join(directory, FRESH);
    await removeRecords(fresh);
    await copyFile(join(backup, 'records.sqlite'), fresh);
    const records = await SqliteRecords.open(fresh);
    let timestampVersion: number;
    try {
      await records.write((db) => applyPlan(db, { plan, present, kept, now, keepTokens }));
      timestampVersion = await raiseVersions(records, JUMP, seenVersion(plan), now);
    } finally {
      await records.close();
    }
    const whole = join(directory, WHOLE);
    await copyStill(fresh, whole);
    await removeRecords(fresh);
    const aside = join(directory, `stolen-${now.toISOString().replaceAll(':', '')}`);
    await mkdir(aside, { recursive: true, mode: 0o700 });
    await copyFile(join(directory, SEEN), join(aside, 'records.sqlite'));
    for (const file of kept.values()) await putCoreMetadata(directory, file);
    const objects = await recoverObjects(directory, { records: whole, backup, aside });
    await recoverMetadata(directory, plan);
    await replaceRecords(directory, whole);
    return { ...plan, objects, timestampVersion, aside };
  });
}

/** A thief may have counted so far that nothing comes after it; a new root makes installers forget that (TUF 1.0.34 §5.3.11). */
function seenVersion({ before, now }: RecoveryPlan): number {
  return now - before < 10 * JUMP ? now : before;
}

interface States {
  readonly plan: RecoveryPlan;
  readonly present: StillRecords;
  readonly kept: ReadonlyMap<string, KeptFile>;
}

async function withStates<T>(options: RecoverOptions, use: (states: States) => Promise<T>): Promise<T> {
  const { directory, backup, since, keep = new Map() } = options;
  await readEmbeddedConfig(directory);
  await readFile(join(backup, MANIFEST)).catch((cause: unknown) => {
    throw new NoBackupError(backup, { cause });
  });
  const held = await holdIndex(directory, join(directory, LOCK));
  const seen = join(directory, SEEN);
  const opened: StillRecords[] = [];
  try {
    await copyStill(join(directory, 'records.sqlite'), seen);
    const good = new StillRecords(join(backup, 'records.sqlite'));
    opened.push(good);
    if (good.newest > since) throw new WrongBackupError(backup, good.newest, since);
    const present = new StillRecords(seen);
    opened.push(present);
    const kept = await readKeptFiles(directory, present, keep);
    return await use({ plan: await planRecovery(good, present, new StoredMetadata(directory), keep), present, kept });
  } finally {
    for (const records of opened) records.close();
    await rm(seen, { force: true });
    await held.release();
  }
}

/** With what stands in its log, which the original keeps. */
async function copyStill(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    await copyDatabase(source, to, { rate: 2 ** 30 });
  } finally {
    source.close();
  }
  settle(to);
}

/** With the files that SQLite keeps beside it. */
async function removeRecords(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(path + end, { force: true });
}

/** All of it in one file. */
function settle(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('pragma journal_mode = delete');
  } finally {
    database.close();
  }
}

async function replaceRecords(directory: string, fresh: string): Promise<void> {
  const handle = await open(fresh, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  const records = join(directory, 'records.sqlite');
  settle(records); // A log beside the file would be taken for one of the new file.
  await rename(fresh, records);
}

import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST } from '../backup/backup.ts';
import type { IndexConfig } from '../config.ts';
import { NoBackupError, RecordsRetiredError, WrongBackupError } from '../errors.ts';
import { keepFromSigning } from '../keep-from-signing.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { LOCK, readConfig } from '../open.ts';
import { PostgresRecords } from '../records/postgres-records.ts';
import type { Shared } from '../records/records.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { holdIndex } from '../single-writer.ts';
import { openObjects } from '../stores.ts';
import { newestOf } from './plan.ts';
import type { RecoverOptions } from './recover.ts';
import { copyRecordsFile, removeRecords, settle } from '../records/records-file.ts';
import { type Testimony, testimonyOfFile, testimonyOfRecords } from './testimony.ts';
import { Worktable } from './worktable.ts';

/** What a recovery reads and writes. */
export interface RecoveryPlaces {
  readonly directory: string;
  readonly config: IndexConfig;
  /** The path of the records that are made. They begin as those of the backup. */
  readonly fresh: string;
  readonly good: SqliteRecords;
  readonly present: Testimony;
  /** A copy of the records as they are, where these are in a file. */
  readonly seen: string | undefined;
  /** Of the records as they are, where several processes write them. */
  readonly shared: Shared | undefined;
  readonly objects: ObjectStore;
  readonly table: Worktable;
}

const FRESH = 'records.sqlite.recovering';
const SEEN = 'records.sqlite.seen';
const TABLE = 'recovering.sqlite';

type Close = () => unknown;

/**
 * Keeps everybody from signing, opens all that a recovery needs, and leaves nothing of it behind.
 * @throws NoBackupError, WrongBackupError, IndexInUseError
 */
export async function withPlaces<T>(
  options: Pick<RecoverOptions, 'directory' | 'backup' | 'since'>,
  use: (places: RecoveryPlaces) => Promise<T>,
): Promise<T> {
  const { directory, backup, since } = options;
  const config = await readConfig(directory);
  await readFile(join(backup, MANIFEST)).catch((cause: unknown) => {
    throw new NoBackupError(backup, { cause });
  });
  const held = await holdIndex(directory, join(directory, LOCK));
  const closers: Close[] = [() => held.release()];
  try {
    const present = await openPresent(directory, config, closers);
    const fresh = join(directory, FRESH);
    await removeRecords(fresh);
    closers.unshift(() => removeRecords(fresh));
    await copyFile(join(backup, 'records.sqlite'), fresh);
    const good = await SqliteRecords.open(fresh);
    closers.unshift(() => good.close());
    const newest = await newestOf(good);
    if (newest > since) throw new WrongBackupError(backup, newest, since);
    const table = new Worktable(join(directory, TABLE));
    closers.unshift(() => table.close());
    const objects = await openObjects(directory, config.stores);
    return await use({ directory, config, fresh, good, objects, table, ...present });
  } finally {
    for (const close of closers) await close();
  }
}

async function openPresent(
  directory: string,
  { stores }: IndexConfig,
  closers: Close[],
): Promise<Pick<RecoveryPlaces, 'present' | 'seen' | 'shared'>> {
  if (stores.records === undefined) {
    const seen = join(directory, SEEN);
    closers.unshift(() => rm(seen, { force: true }));
    await copyRecordsFile(join(directory, 'records.sqlite'), seen);
    settle(seen);
    const present = testimonyOfFile(seen);
    closers.unshift(() => present.close());
    return { present, seen, shared: undefined };
  }
  const records = await PostgresRecords.open({ location: stores.records });
  closers.unshift(() => records.close());
  closers.unshift(await keepOthersOut(directory, records));
  return { present: testimonyOfRecords(records), seen: undefined, shared: records.shared };
}

/** An attempt before may have ended all signing from these records: then there is nothing to be kept, or given back. */
async function keepOthersOut(directory: string, records: PostgresRecords): Promise<Close> {
  const ignoreRetired = (error: unknown): void => {
    if (!(error instanceof RecordsRetiredError)) throw error;
  };
  try {
    const giveBack = await keepFromSigning(directory, records, 'recovery');
    return () => giveBack().catch(ignoreRetired);
  } catch (error) {
    ignoreRetired(error);
    return () => {};
  }
}

import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { sql } from 'kysely';
import { configText } from '../config.ts';
import { IndexExistsError, NewRecordsNeededError } from '../errors.ts';
import { copyRecords, TABLES } from '../migrate/copy-records.ts';
import { hasCode } from '../objects/storage-failure.ts';
import { CONFIG } from '../open.ts';
import { settle, syncFile } from '../records/records-file.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { openRecords } from '../stores.ts';
import type { RecoveryPlaces } from './places.ts';

/** Tells a later attempt that what it finds in a database is its own beginning. */
const JOURNAL = 'recovery.json';

type Places = Pick<RecoveryPlaces, 'directory' | 'config' | 'fresh' | 'shared'>;

/**
 * That the recovered records have a place to go to: a database of their own when the present ones are in one, since whoever had that
 * may have left functions, triggers or settings in it.
 * @throws NewRecordsNeededError, IndexExistsError
 */
export async function assertPlace({ directory, config, shared }: Places, location: string | undefined): Promise<void> {
  if (location === undefined) {
    if (shared) throw new NewRecordsNeededError();
    return;
  }
  if (location === config.stores.records) throw new NewRecordsNeededError();
  const begun = await readFile(join(directory, JOURNAL), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  const target = await openRecords(directory, { records: location });
  try {
    const row = await target.read.selectFrom('publications').select('id').limit(1).executeTakeFirst();
    if (row && begun !== location) throw new IndexExistsError(location);
  } finally {
    await target.close();
  }
}

/** From here on the index has the recovered records, in one step: a file takes the place of the other, or the configuration names them. */
export async function switchRecords({ directory, config, fresh }: Places, location: string | undefined): Promise<void> {
  if (location === undefined) {
    await syncFile(fresh);
    const records = join(directory, 'records.sqlite');
    settle(records); // A log beside the file would be taken for one of the new file.
    await rename(fresh, records);
    return;
  }
  await writeFileAtomic(join(directory, JOURNAL), new TextEncoder().encode(location));
  await fill(directory, fresh, location);
  const stores = { ...config.stores, records: location };
  const text = configText({ ...config, stores });
  await writeFileAtomic(join(directory, CONFIG), new TextEncoder().encode(text));
  await rm(join(directory, JOURNAL), { force: true });
}

async function fill(directory: string, fresh: string, location: string): Promise<void> {
  const target = await openRecords(directory, { records: location });
  try {
    // What an attempt before copied is of another moment.
    const tables = [...TABLES.keys()].map((table) => sql.table(table));
    await target.write((db) => sql`truncate ${sql.join(tables)} restart identity`.execute(db));
    const source = await SqliteRecords.open(fresh);
    try {
      await copyRecords(source, target, () => {});
    } finally {
      await source.close();
    }
  } finally {
    await target.close();
  }
}

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { assertLocations, configText } from '../config.ts';
import { IndexExistsError } from '../errors.ts';
import { keepFromSigning } from '../keep-from-signing.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { hasCode } from '../objects/storage-failure.ts';
import { CONFIG, LOCK, readConfig } from '../open.ts';
import type { Records } from '../records/records.ts';
import { holdIndex } from '../single-writer.ts';
import { openObjects, openRecords, type StoreLocations } from '../stores.ts';
import { copyObjects, verifyObjects } from './copy-objects.ts';
import { copyRecords, type TableDigest } from './copy-records.ts';

/** Tells a later attempt that what it finds at these places is its own beginning. */
const JOURNAL = 'migration.json';

export interface MigrationProgress {
  table(name: string, digest: TableDigest): void;
  copied(objects: number): void;
  verified(objects: number): void;
}

/**
 * Moves the records, the objects, or both to other stores: copies what is not there yet, compares everything, and then
 * switches the configuration. The old stores stay as they are. Broken off, it goes on where it was.
 * @throws IndexInUseError while a process serves or signs the index
 * @throws IndexExistsError when something else is where it is to go
 * @throws DamagedIndexError when a copy, or the original, is not what was signed
 */
export async function migrateIndex(directory: string, to: StoreLocations, progress: MigrationProgress): Promise<void> {
  assertLocations(to);
  const config = await readConfig(directory);
  const from = config.stores;
  const held = await holdIndex(directory, join(directory, LOCK));
  const closers: (() => Promise<void>)[] = [() => held.release()];
  try {
    const records = await openRecords(directory, from);
    closers.unshift(() => records.close());
    closers.unshift(await keepFromSigning(directory, records, 'migration'));
    const resumed = await begin(directory, to);
    let target = records;
    if (to.records !== from.records) {
      target = await openRecords(directory, to);
      closers.unshift(() => target.close());
      if (!resumed && (await holdsAnything(target))) throw new IndexExistsError(to.records ?? directory);
      await copyRecords(records, target, (table, digest) => progress.table(table, digest));
    }
    const objects = await openObjects(directory, from);
    let copies = objects;
    if (to.objects !== from.objects) {
      copies = await openObjects(directory, to);
      if (!resumed && (await anyObject(copies))) throw new IndexExistsError(to.objects ?? directory);
      progress.copied(await copyObjects(objects, copies));
    }
    progress.verified(await verifyObjects(target, copies));
    const text = configText({ ...config, stores: to });
    await writeFileAtomic(join(directory, CONFIG), new TextEncoder().encode(text));
    await rm(join(directory, JOURNAL), { force: true });
  } finally {
    for (const close of closers) await close();
  }
}

/** Whether an earlier attempt to go to the same places began. */
async function begin(directory: string, to: StoreLocations): Promise<boolean> {
  const journal = join(directory, JOURNAL);
  const wanted = JSON.stringify({ records: to.records, objects: to.objects });
  const before = await readFile(journal, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (before === wanted) return true;
  await writeFileAtomic(journal, new TextEncoder().encode(wanted));
  return false;
}

async function holdsAnything({ read }: Records): Promise<boolean> {
  return (await read.selectFrom('publications').select('id').limit(1).executeTakeFirst()) !== undefined;
}

async function anyObject(objects: ObjectStore): Promise<boolean> {
  for await (const key of objects.list('')) if (!key.startsWith('probe/')) return true;
  return false;
}

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { assertLocations, makeConfig } from '../config.ts';
import { IndexExistsError, IndexInUseError } from '../errors.ts';
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
/** Milliseconds: longer than a signer that lives is silent. */
const LISTEN_MS = 3_000;
const BEAT_MS = 500;

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
  const { lifetimes, stores: from } = await readConfig(directory);
  const held = await holdIndex(directory, join(directory, LOCK));
  const closers: (() => Promise<void>)[] = [() => held.release()];
  try {
    const records = await openRecords(directory, from);
    closers.unshift(() => records.close());
    closers.unshift(await keepFromSigning(directory, records));
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
    await writeFileAtomic(join(directory, CONFIG), new TextEncoder().encode(makeConfig(lifetimes, to)));
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

/**
 * Takes the right to sign, where other machines could: what they take in meanwhile is not acknowledged.
 * @returns what gives it back
 */
async function keepFromSigning(directory: string, { shared }: Records): Promise<() => Promise<void>> {
  if (!shared) return async () => {};
  const { lease } = shared;
  const before = await lease.look();
  if (before.holder !== null) await wait(LISTEN_MS);
  const term = await lease.take(before, 'migration');
  if (term === undefined) throw new IndexInUseError(directory);
  const beat = setInterval(() => void lease.renew(term).catch(() => {}), BEAT_MS); // The next one comes soon.
  return async () => {
    clearInterval(beat);
    await lease.leave(term);
  };
}

async function holdsAnything({ read }: Records): Promise<boolean> {
  return (await read.selectFrom('publications').select('id').limit(1).executeTakeFirst()) !== undefined;
}

async function anyObject(objects: ObjectStore): Promise<boolean> {
  for await (const key of objects.list('')) if (!key.startsWith('probe/')) return true;
  return false;
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IndexExistsError } from './errors.ts';
import { openObjects, openRecords, type StoreLocations } from './stores.ts';

/**
 * Whether a new index can be made in these stores: they are reached, do what they must, and hold nothing. Asked before a
 * ceremony, whose keys would otherwise be made for nothing.
 * @throws IndexExistsError, InvalidLocationError, RecordsError, ObjectStoreError, UnsafePostgresError, UnsafeObjectStoreError
 */
export async function assertNewStores({ records, objects }: StoreLocations): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-new-'));
  try {
    if (records !== undefined) await assertNoRecords(directory, records);
    if (objects !== undefined) await assertNoObjects(directory, objects);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function assertNoRecords(directory: string, location: string): Promise<void> {
  const records = await openRecords(directory, { records: location });
  try {
    const row = await records.read.selectFrom('publications').select('id').limit(1).executeTakeFirst();
    if (row) throw new IndexExistsError(location);
  } finally {
    await records.close();
  }
}

async function assertNoObjects(directory: string, location: string): Promise<void> {
  const objects = await openObjects(directory, { objects: location });
  for await (const key of objects.list('')) {
    // Of a probe that was broken off.
    if (!key.startsWith('probe/')) throw new IndexExistsError(location);
  }
}

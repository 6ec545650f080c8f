import { hash } from 'node:crypto';
import { parseTimestamp, TufError } from '@holdfast/tuf';
import { DamagedIndexError, ObjectTooLargeError } from './errors.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { assertUndamaged, roleKey } from './publish/publications.ts';
import type { RoleTable } from './publish/role-table.ts';
import type { RecordedRoot } from './publish/roots.ts';
import type { Records } from './records/records.ts';

/** A timestamp has a few hundred bytes. */
const MAX_TIMESTAMP_BYTES = 65_536;

/**
 * Records that were brought back from a backup are older than what everyone has seen: signing on from them would show
 * other contents under versions that are out already, and clients would refuse them as rolled back.
 * @throws DamagedIndexError when the object store holds a newer timestamp than the records
 */
export async function assertNotBehind(records: Records, objects: ObjectStore): Promise<void> {
  const row = await records.read
    .selectFrom('publications')
    .select('id')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const known = row?.id ?? 0;
  const published = await publishedVersion(objects);
  if (published <= known) return;
  throw new DamagedIndexError(
    'records',
    `they know timestamp version ${known}, and version ${published} is published: are they from a backup?`,
  );
}

/** 0 when there is none, or nothing that can be read as one: that is repaired. */
async function publishedVersion(objects: ObjectStore): Promise<number> {
  try {
    const bytes = await objects.get(roleKey('timestamp', 0), { maxLength: MAX_TIMESTAMP_BYTES });
    return bytes ? parseTimestamp(bytes).signed.version : 0;
  } catch (error) {
    if (error instanceof TufError || error instanceof ObjectTooLargeError) return 0;
    throw error;
  }
}

/**
 * Looks at the objects of the top-level roles. What holders of offline keys signed is put again from the records, byte for
 * byte, where it is lost, cut short or changed; what the index signs by itself is noted as damaged, and so signed anew. What
 * an unfinished publication brings is left to it: its order matters.
 */
export async function repairTopLevel(
  records: Records,
  objects: ObjectStore,
  table: RoleTable,
  roots: readonly RecordedRoot[],
): Promise<void> {
  const unfinished = await records.read
    .selectFrom('publications')
    .select('id')
    .where('published_at', 'is', null)
    .executeTakeFirst();
  for (const { version, bytes, publication } of roots) {
    if (publication !== unfinished?.id) await restore(objects, 'root', version, bytes, hash('sha256', bytes));
  }
  await restoreKept(records, objects, ['targets']);
  for (const role of ['timestamp', 'snapshot'] as const) {
    const online = table.online(role);
    // The timestamp of an unfinished publication may be there already.
    if (!online || (unfinished && role === 'timestamp')) continue;
    if (!(await isIntact(objects, online))) table.damaged.add(role);
  }
}

/** Puts published roles again that others signed, where their objects are damaged. @returns how many that were */
export async function restoreKept(records: Records, objects: ObjectStore, roles: readonly string[]): Promise<number> {
  let restored = 0;
  for (const name of roles) {
    const row = await records.read
      .selectFrom('offline_roles')
      .innerJoin('roles', (join) =>
        join.onRef('roles.role', '=', 'offline_roles.role').onRef('roles.version', '=', 'offline_roles.version'),
      )
      .select(['roles.role', 'roles.version', 'roles.sha256', 'offline_roles.bytes'])
      .where('offline_roles.role', '=', name)
      .executeTakeFirst();
    if (row && (await restore(objects, row.role, row.version, row.bytes, row.sha256))) restored++;
  }
  return restored;
}

async function restore(
  objects: ObjectStore,
  role: string,
  version: number,
  bytes: Uint8Array,
  sha256: string,
): Promise<boolean> {
  assertUndamaged(role, sha256, bytes);
  if (await isIntact(objects, { role, version, length: bytes.length, sha256 })) return false;
  await objects.put(roleKey(role, version), bytes);
  return true;
}

/** Whether the object of a role is what was signed. */
export async function isIntact(
  objects: Pick<ObjectStore, 'get'>,
  { role, version, length, sha256 }: { role: string; version: number; length: number; sha256: string },
): Promise<boolean> {
  try {
    const bytes = await objects.get(roleKey(role, version), { maxLength: length });
    return bytes !== undefined && hash('sha256', bytes) === sha256;
  } catch (error) {
    if (error instanceof ObjectTooLargeError) return false;
    throw error;
  }
}

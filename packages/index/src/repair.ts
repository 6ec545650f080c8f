import { hash } from 'node:crypto';
import { parseTimestamp, TufError } from '@holdfast/tuf';
import { DamagedIndexError, ObjectTooLargeError } from './errors.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { assertUndamaged, roleKey } from './publish/publications.ts';
import type { RecordedRoot } from './publish/roots.ts';
import type { Records } from './records/records.ts';

/** A timestamp has a few hundred bytes. */
const MAX_TIMESTAMP_BYTES = 65_536;
/** Rows looked at together. */
const PAGE = 200;

/**
 * Records that were brought back from a backup are older than what everyone has seen: signing on from them would show
 * other contents under versions that are out already, and clients would refuse them as rolled back.
 * @throws DamagedIndexError when the object store holds a newer timestamp than the records
 */
export async function assertNotBehind(records: Records, objects: ObjectStore): Promise<void> {
  const row = await records.read
    .selectFrom('roles')
    .select('version')
    .where('role', '=', 'timestamp')
    .executeTakeFirst();
  const published = await publishedVersion(objects);
  if (published <= (row?.version ?? 0)) return;
  throw new DamagedIndexError(
    'records',
    `they know timestamp version ${row?.version ?? 0}, and version ${published} is published: are they from a backup?`,
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
 * Puts every metadata object again whose bytes are not those of the records: lost, cut short or changed on disk. The records
 * hold what was signed, so nothing is made up. Roles of an unfinished publication are left to it: their order matters.
 */
export async function repairMetadata(
  records: Records,
  objects: ObjectStore,
  roots: readonly RecordedRoot[],
): Promise<void> {
  const unfinished = await records.read
    .selectFrom('publications')
    .select('id')
    .where('published_at', 'is', null)
    .executeTakeFirst();
  for (const { version, bytes, publication } of roots) {
    if (publication !== unfinished?.id) await repair(objects, 'root', version, bytes, hash('sha256', bytes));
  }
  for (let after = ''; ; ) {
    const rows = await records.read
      .selectFrom('roles')
      .select(['role', 'version', 'publication', 'sha256', 'bytes'])
      .where('role', '>', after)
      .orderBy('role')
      .limit(PAGE)
      .execute();
    const published = rows.filter(({ publication }) => publication !== unfinished?.id);
    await Promise.all(
      published.map(({ role, version, bytes, sha256 }) => repair(objects, role, version, bytes, sha256)),
    );
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.role;
  }
}

async function repair(
  objects: ObjectStore,
  role: string,
  version: number,
  bytes: Uint8Array,
  sha256: string,
): Promise<void> {
  assertUndamaged(role, sha256, bytes);
  const key = roleKey(role, version);
  if ((await currentDigest(objects, key, bytes.length)) !== sha256) await objects.put(key, bytes);
}

async function currentDigest(objects: ObjectStore, key: string, maxLength: number): Promise<string | undefined> {
  try {
    const current = await objects.get(key, { maxLength });
    return current && hash('sha256', current);
  } catch (error) {
    if (error instanceof ObjectTooLargeError) return undefined;
    throw error;
  }
}

import { hash } from 'node:crypto';
import { ObjectTooLargeError } from './errors.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { roleKey } from './publish/publications.ts';
import type { Records } from './records/records.ts';

/** Rows looked at together. */
const PAGE = 200;

/**
 * Puts every metadata object again whose bytes are not those of the records: lost, cut short or changed on disk. The records
 * hold what was signed, so nothing is made up. Roles of an unfinished publication are left to it: their order matters.
 */
export async function repairMetadata(
  records: Records,
  objects: ObjectStore,
  roots: readonly { readonly version: number; readonly bytes: Uint8Array }[],
): Promise<void> {
  for (const { version, bytes } of roots)
    await repair(objects, `metadata/${version}.root.json`, bytes, hash('sha256', bytes));
  const unfinished = await records.read
    .selectFrom('publications')
    .select('id')
    .where('published_at', 'is', null)
    .executeTakeFirst();
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
      published.map(({ role, version, bytes, sha256 }) => repair(objects, roleKey(role, version), bytes, sha256)),
    );
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.role;
  }
}

async function repair(objects: ObjectStore, key: string, bytes: Uint8Array, sha256: string): Promise<void> {
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

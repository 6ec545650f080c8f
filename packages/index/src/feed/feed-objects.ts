import { hash } from 'node:crypto';
import { feedPath, type FeedRange, type FeedSource, MAX_PART_BYTES } from '@holdfast/trust';
import { DamagedIndexError, ObjectStoreError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';

type Objects = Pick<ObjectStore, 'get' | 'put' | 'delete'>;

/** The feed as it stands in the object store. */
export function storedFeed(objects: Objects): FeedSource {
  return { fetch: (path, maxLength) => objects.get(path, { maxLength }) };
}

/**
 * Puts the parts of a chunk, the first one last: who finds it finds all. A chunk that is there already must be the same.
 * @throws DamagedIndexError
 */
export async function putChunk(
  objects: Objects,
  range: FeedRange,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  let first: Uint8Array | undefined;
  let part = 0;
  for await (const bytes of parts) {
    if (part === 0) first = bytes;
    else await putPart(objects, feedPath(range, part), bytes);
    part++;
  }
  if (first) await putPart(objects, feedPath(range, 0), first);
}

async function putPart(objects: Objects, key: string, bytes: Uint8Array): Promise<void> {
  if ((await objects.put(key, bytes, { ifAbsent: true })) === 'stored') return;
  const before = await objects.get(key, { maxLength: MAX_PART_BYTES });
  if (!before) throw new ObjectStoreError(key, 'an object that is there and cannot be read', undefined);
  if (hash('sha256', before) !== hash('sha256', bytes))
    throw new DamagedIndexError(key, 'other changes than those of the records stand there');
}

/** Removes a chunk, if it is there: its first part last, so that a removal that broke off is seen. */
export async function deleteChunk(objects: Objects, range: FeedRange): Promise<void> {
  let parts = 0;
  while ((await objects.get(feedPath(range, parts), { maxLength: MAX_PART_BYTES })) !== undefined) parts++;
  for (; parts > 0; parts--) await objects.delete(feedPath(range, parts - 1));
}

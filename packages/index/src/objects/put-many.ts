import { DamagedIndexError } from '../errors.ts';
import type { ManyObject, ObjectStore } from './object-store.ts';

/** Puts under way at a time, to a store that has no way of its own. */
const PARALLEL = 32;

/**
 * Stores many objects under keys that nothing was published under, in the way that is fastest for the store. All are durable
 * when it resolves; when it fails, any of them may be there.
 * @throws DamagedIndexError when something stands under one of the keys
 */
export async function putMany(store: ObjectStore, objects: readonly ManyObject[]): Promise<void> {
  if (store.putMany) return store.putMany(objects);
  const queue = objects.values();
  const work = async (): Promise<void> => {
    for (const { key, bytes } of queue) {
      if ((await store.put(key, bytes, { ifAbsent: true })) === 'exists') throw occupied(key);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

export function occupied(key: string): DamagedIndexError {
  return new DamagedIndexError(key, 'something stands there, and nothing was published under that name');
}

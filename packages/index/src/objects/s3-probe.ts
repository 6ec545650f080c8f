import { randomBytes } from 'node:crypto';
import { ObjectStoreError, UnsafeObjectStoreError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * Some services take the condition of a write and write all the same. Behind one of these, two signers could publish two
 * contents under one version, and one that slept could bring an old timestamp back, so it is tried before anything is kept there.
 * @throws UnsafeObjectStoreError
 */
export async function assertConditional(store: ObjectStore): Promise<void> {
  const key = `probe/${randomBytes(16).toString('hex')}`;
  const [first, second] = [randomBytes(16), randomBytes(16)];
  try {
    await store.put(key, first, { ifAbsent: true });
    const outcome = await store.put(key, second, { ifAbsent: true });
    const kept = await store.read(key, { maxLength: first.length });
    if (outcome === 'stored' || !kept || !first.equals(kept.bytes)) {
      throw new UnsafeObjectStoreError('it replaces objects that were to stay');
    }
    const switched = await store.put(key, second, { ifTag: kept.tag });
    const late = await store.put(key, first, { ifTag: kept.tag });
    const now = await store.get(key, { maxLength: second.length });
    if (switched !== 'stored' || late === 'stored' || !now || !second.equals(now)) {
      throw new UnsafeObjectStoreError('it does not compare an object with If-Match before it replaces it');
    }
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.status !== 501) throw error;
    throw new UnsafeObjectStoreError('it has no conditional writes', { cause: error });
  } finally {
    await store.delete(key).catch(() => undefined); // What went wrong before tells more.
  }
}

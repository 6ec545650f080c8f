import { randomBytes } from 'node:crypto';
import { ObjectStoreError, UnsafeObjectStoreError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * Some services take the condition of a write and write all the same. Behind one of these, two signers could publish two
 * contents under one version, so it is tried before anything is kept there.
 * @throws UnsafeObjectStoreError
 */
export async function assertConditional(store: ObjectStore): Promise<void> {
  const key = `probe/${randomBytes(16).toString('hex')}`;
  const [first, second] = [randomBytes(16), randomBytes(16)];
  try {
    await store.put(key, first, { ifAbsent: true });
    const outcome = await store.put(key, second, { ifAbsent: true });
    const kept = await store.get(key, { maxLength: first.length });
    if (outcome === 'stored' || !kept || !first.equals(kept)) {
      throw new UnsafeObjectStoreError('it replaces objects that were to stay');
    }
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.status !== 501) throw error;
    throw new UnsafeObjectStoreError('it has no conditional writes', { cause: error });
  } finally {
    await store.delete(key).catch(() => undefined); // What went wrong before tells more.
  }
}

import { SupersededError, TufError } from '../errors.ts';
import type { Snapshot, TopLevelRole, Metadata } from '../model.ts';
import { parseSnapshot, parseTimestamp } from '../parse/meta.ts';
import { verifySignatures } from '../verify.ts';
import type { MetadataStore } from './ports.ts';
import { rootName } from './roots.ts';
import type { TrustedSet } from './trusted-set.ts';

/** Nothing is written by a process that still trusts an older root than the store. @throws SupersededError */
export async function checkRootCurrent(set: TrustedSet, store: MetadataStore): Promise<void> {
  if ((await store.read(rootName(set.root.signed.version + 1))) !== undefined) throw new SupersededError('root');
}

/** Whether these bytes, found in the store, are a verified timestamp or snapshot newer than the one of `set`. */
export async function isNewer(set: TrustedSet, role: 'timestamp' | 'snapshot', stored: Uint8Array): Promise<boolean> {
  const newer = await refusedAsUndefined(async () => {
    const metadata = role === 'timestamp' ? parseTimestamp(stored) : parseSnapshot(stored);
    await verifyByRoot(set, metadata, role);
    return metadata.signed.version > ((role === 'timestamp' ? set.timestamp : set.snapshot)?.signed.version ?? 0);
  });
  return newer === true;
}

/** The snapshot that was trusted last, in whichever process; it may be expired or superseded. */
export async function storedSnapshot(set: TrustedSet, store: MetadataStore): Promise<Snapshot | undefined> {
  const bytes = await store.read('snapshot.json');
  if (bytes === undefined) return undefined;
  return refusedAsUndefined(async () => {
    const snapshot = parseSnapshot(bytes);
    await verifyByRoot(set, snapshot, 'snapshot');
    return snapshot.signed;
  });
}

/** Stored metadata that is damaged, superseded or expired is no failure: it is fetched anew. */
export async function refusedAsUndefined<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof TufError) return undefined;
    throw error;
  }
}

async function verifyByRoot(set: TrustedSet, metadata: Metadata<unknown>, role: TopLevelRole): Promise<void> {
  const { keys, roles } = set.root.signed;
  await verifySignatures(metadata, keys, roles.get(role) ?? { keyids: [], threshold: 1 }, role);
}

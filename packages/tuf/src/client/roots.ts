import { NotFoundError, TufError } from '../errors.ts';
import { equalBytes } from '../bytes.ts';
import type { Metadata, Root, TopLevelRole } from '../model.ts';
import { parseRoot } from '../parse/root.ts';
import type { MetadataStore, UpdaterLimits } from './ports.ts';
import { PROVEN_NAME } from './proven-state.ts';
import type { Source } from './source.ts';
import type { TrustedSet } from './trusted-set.ts';

/** Where the store keeps one version of root; names of roles end in `.json`, so none can be mistaken for it. */
export function rootName(version: number): string {
  return `root.${version}`;
}

/**
 * Follows the root versions that were verified in earlier runs. The chain is verified again from the root that came
 * with the client, so that nothing on the disk is believed; a damaged version is dropped and fetched anew.
 */
export async function followStoredRoots(set: TrustedSet, store: MetadataStore): Promise<void> {
  await forgetAfterShippedRoot(set, store);
  for (;;) {
    const name = rootName(set.root.signed.version + 1);
    const bytes = await store.read(name);
    if (bytes === undefined) return;
    try {
      await set.updateRoot(bytes);
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      await store.remove(name);
      return;
    }
  }
}

/** §5.3.2 to §5.3.9: one version after the other until the repository has no newer one. */
export async function followRemoteRoots(
  set: TrustedSet,
  store: MetadataStore,
  source: Source,
  { rootRotations, rootBytes }: UpdaterLimits,
  signal: AbortSignal,
): Promise<void> {
  for (let count = 0; count < rootRotations; count++) {
    const previous = set.root.signed;
    const version = previous.version + 1;
    const wanted = { path: `${version}.root.json`, maxLength: rootBytes, signal };
    const next = await source.fetch(wanted, (bytes) => set.updateRoot(bytes)).catch(absentAsUndefined);
    if (next === undefined) return;
    await store.lock(async () => {
      // §5.3.11: removed before the new root is there, so that a crash in between cannot make us forget to do it.
      if (hasRotated(previous, next.signed)) await forgetOnlineMetadata(store);
      // §5.3.8: also when a later one of this very update is refused.
      await store.write(rootName(version), next.bytes);
      await keepAsNewest(next, store);
    });
  }
}

/** §5.3.3: the repository says that there is no such version. */
function absentAsUndefined(error: unknown): undefined {
  if (error instanceof NotFoundError) return undefined;
  throw error;
}

/** Keeps the newest root under its plain name as well. */
export async function storeNewestRoot(set: TrustedSet, store: MetadataStore): Promise<void> {
  const stored = await store.read('root.json');
  if (stored !== undefined && equalBytes(stored, set.root.bytes)) return;
  await store.lock(() => keepAsNewest(set.root, store));
}

async function keepAsNewest({ signed, bytes }: Metadata<Root>, store: MetadataStore): Promise<void> {
  // Another process has moved on in the meantime.
  if ((await store.read(rootName(signed.version + 1))) !== undefined) return;
  await store.write('root.json', bytes);
}

/** A client that was updated may bring a root newer than any that the store has seen: §5.3.11 holds for that step too. */
async function forgetAfterShippedRoot(set: TrustedSet, store: MetadataStore): Promise<void> {
  const stored = await storedRoot(store);
  if (stored === undefined || stored.version >= set.root.signed.version || !hasRotated(stored, set.root.signed)) return;
  await store.lock(async () => {
    await forgetOnlineMetadata(store);
    await store.write('root.json', set.root.bytes);
  });
}

async function storedRoot(store: MetadataStore): Promise<Root | undefined> {
  const bytes = await store.read('root.json');
  try {
    return bytes === undefined ? undefined : parseRoot(bytes).signed;
  } catch (error) {
    if (error instanceof TufError) return undefined; // damaged: the chain is made anew from the shipped root
    throw error;
  }
}

/** §5.3.11: versions that an attacker drove up with stolen keys are forgotten together with those keys. */
async function forgetOnlineMetadata(store: MetadataStore): Promise<void> {
  await store.remove('timestamp.json');
  await store.remove('snapshot.json');
  await store.remove(PROVEN_NAME);
}

function hasRotated(before: Root, after: Root): boolean {
  const roles: readonly TopLevelRole[] = ['timestamp', 'snapshot'];
  return roles.some((role) => keyMaterial(before, role) !== keyMaterial(after, role));
}

function keyMaterial(root: Root, role: TopLevelRole): string {
  const keyids = root.roles.get(role)?.keyids ?? [];
  return JSON.stringify(keyids.map((keyid) => root.keys.get(keyid)?.public ?? '').sort());
}

import { followStoredRoots, rootName, storeNewestRoot } from '../client/roots.ts';
import { TrustedSet } from '../client/trusted-set.ts';
import { NotFoundError, TufError } from '../errors.ts';
import type { FileMetadataStore } from '../node/file-store.ts';

/**
 * §5.2: trusts a root, and what the store already has of the chain that follows from it. A root that its own keys did
 * not sign is refused, and nothing is written.
 */
export async function initTrust(store: FileMetadataStore, root: Uint8Array): Promise<void> {
  const set = await TrustedSet.create(root, new Date());
  await store.write(rootName(set.root.signed.version), root);
  await followStoredRoots(set, store);
  await storeNewestRoot(set, store);
}

/** The newest trusted root; an older one of the chain when the newest is damaged or gone. @throws TufError when there is none */
export async function trustedRoot(store: FileMetadataStore): Promise<Uint8Array> {
  let failure: TufError = new NotFoundError('root.json');
  for (const name of ['root.json', ...(await rootNames(store))]) {
    const bytes = await store.read(name);
    if (bytes === undefined) continue;
    try {
      await TrustedSet.create(bytes, new Date());
      return bytes;
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function rootNames(store: FileMetadataStore): Promise<readonly string[]> {
  const versions = (await store.names()).flatMap((name) => /^root\.([1-9]\d*)$/.exec(name)?.[1] ?? []).map(Number);
  return versions.toSorted((a, b) => b - a).map(rootName);
}

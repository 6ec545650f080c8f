import { HttpFetcher, type MetadataStore, type TargetInfo, TufError, Updater } from '@holdfast/tuf';
import { IndexedDbMetadataStore } from '@holdfast/tuf/browser';

/** Type-checked in a project of its own: a page, without the types of Node. */
export async function lookup(trustedRoot: Uint8Array, path: string): Promise<TargetInfo | string | undefined> {
  const store: MetadataStore = new IndexedDbMetadataStore('metadata');
  const fetcher = new HttpFetcher('https://example.org/metadata/');
  const updater = new Updater({ trustedRoot, fetcher, store, clock: () => new Date() });
  try {
    const { rootVersion } = await updater.refresh();
    const version: number = rootVersion;
    return version > 0 ? await updater.targetInfo(path) : undefined;
  } catch (error) {
    return error instanceof TufError ? error.code : String(error);
  }
}

// @ts-expect-error: an updater without a clock has no types that fit, if there are types at all
void new Updater({ trustedRoot: new Uint8Array(), fetcher: [], store: new IndexedDbMetadataStore('metadata') });

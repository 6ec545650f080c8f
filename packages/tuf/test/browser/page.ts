import { fetchTarget, HttpFetcher, TufError, Updater } from '@holdfast/tuf';
import { IndexedDbMetadataStore } from '@holdfast/tuf/browser';

/** What the tests run in the page: compiled for the browser, and never loaded by Node. */

export interface Lookup {
  readonly target: string;
  /** Names the IndexedDB database. */
  readonly store: string;
  /** ISO 8601: what the page's clock shows. */
  readonly now: string;
}

export type Answer =
  | {
      readonly versions: readonly (number | undefined)[];
      readonly chain: readonly string[];
      readonly content: string | undefined;
    }
  | { readonly code: string; readonly role: unknown };

/** Refreshes, searches, and fetches the content; versions are of root, timestamp, snapshot and targets. */
export async function lookup({ target, store, now }: Lookup): Promise<Answer> {
  const updater = new Updater({
    trustedRoot: new Uint8Array(await (await fetch('/trusted-root.json')).arrayBuffer()),
    fetcher: new HttpFetcher(new URL('/metadata/', location.href).href),
    store: new IndexedDbMetadataStore(store),
    clock: () => new Date(now),
  });
  try {
    const { rootVersion, timestampVersion, snapshotVersion, targetsVersion } = await updater.refresh();
    const versions = [rootVersion, timestampVersion, snapshotVersion, targetsVersion];
    const info = await updater.targetInfo(target);
    if (info === undefined) return { versions, chain: [], content: undefined };
    const bytes = await fetchTarget(new HttpFetcher(new URL('/targets/', location.href).href), info);
    return { versions, chain: info.chain, content: new TextDecoder().decode(bytes) };
  } catch (error) {
    if (error instanceof TufError) return { code: error.code, role: Reflect.get(error, 'role') };
    throw error;
  }
}

/** Adds one to a number in the store, again and again, each time under the lock. */
export async function count({ store, times }: { readonly store: string; readonly times: number }): Promise<number> {
  const shared = new IndexedDbMetadataStore(store);
  let counted = 0;
  for (let turn = 0; turn < times; turn++) {
    await shared.lock(async () => {
      counted = Number(new TextDecoder().decode(await shared.read('count')));
      await shared.write('count', new TextEncoder().encode(String(counted + 1)));
    });
  }
  return counted + 1;
}

/** Takes the lock and keeps it until the tab is gone. Resolves when it has it. */
export function takeLockForGood({ store }: { readonly store: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const forever = (): Promise<never> => {
      resolve('taken');
      return new Promise(() => undefined);
    };
    new IndexedDbMetadataStore(store).lock(forever).catch(reject);
  });
}

/** What a store answers for a name after each step. */
export async function keep({ store }: { readonly store: string }): Promise<readonly (readonly number[] | undefined)[]> {
  const kept = new IndexedDbMetadataStore(store);
  const answers: (Uint8Array | undefined)[] = [await kept.read('../a b')];
  await kept.write('../a b', Uint8Array.of(1, 2, 3, 4).subarray(1, 3));
  answers.push(await kept.read('../a b'));
  await kept.remove('../a b');
  await kept.remove('../a b');
  answers.push(await kept.read('../a b'));
  return answers.map((bytes) => bytes && [...bytes]);
}

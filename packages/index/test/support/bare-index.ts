import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { consistentTargetPath, minimumDelegations, targetPath } from '@holdfast/trust';
import { type MetadataStore, NotFoundError, rootJson, signMetadata, targetsJson, Updater } from '@holdfast/tuf';
import { generateKey, type LocalSigner, writeKeyFile } from '@holdfast/tuf/node';
import {
  initIndex,
  type Lifetimes,
  type OpenIndex,
  openIndex,
  type OpenOptions,
  type StoreLocations,
} from '../../src/index.ts';
import type { NewFile, Published } from '../../src/publish/new-file.ts';

/** An index on disk without a server, with the account `ann`; gone when the test ends. */
export interface BareIndex {
  readonly directory: string;
  /** The first root. */
  readonly root: Uint8Array;
  readonly offline: LocalSigner;
  readonly online: LocalSigner;
}

/** What a client that starts anew needs: a directory with `objects/` in it, and the root. */
export type Signed = Partial<BareIndex> & Pick<BareIndex, 'directory' | 'root'>;

/** Long enough for every clock that the tests play with, in seconds. */
const OFFLINE_LIFETIME = 86_400 * 3_650;

export async function makeIndex(
  t: TestContext,
  options: { clock?: () => Date; lifetimes?: Partial<Lifetimes> } = {},
): Promise<BareIndex> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-bare-'));
  t.after(async () => {
    await closeBare(join(parent, 'index')); // Also after a test that failed.
    await rm(parent, { recursive: true, force: true });
  });
  return makeIndexIn(join(parent, 'index'), options);
}

export async function makeIndexIn(
  directory: string,
  options: { clock?: () => Date; lifetimes?: Partial<Lifetimes>; stores?: StoreLocations } = {},
): Promise<BareIndex> {
  const [offline, online] = [await generateKey('ed25519'), await generateKey('ed25519')];
  const holds = ({ key }: LocalSigner) => ({ keyids: [key.keyid], threshold: 1 });
  const now = options.clock?.() ?? new Date();
  const common = { version: 1, expires: new Date(Math.floor(now.getTime() / 1000 + OFFLINE_LIFETIME) * 1000) };
  const roles = { root: holds(offline), targets: holds(offline), snapshot: holds(online), timestamp: holds(online) };
  const root = rootJson({ ...common, consistentSnapshot: true, keys: [offline.key, online.key], roles });
  const delegations = { keys: new Map([[online.key.keyid, online.key]]), roles: minimumDelegations(holds(online)) };
  const targets = targetsJson({ ...common, targets: new Map(), delegations });
  const metadata = { root: await signMetadata(root, [offline]), targets: await signMetadata(targets, [offline]) };
  await initIndex({ directory, ...metadata, onlineKey: online, passphrase: 'x', ...options });
  // Deriving a key from the passphrase at every start would be most of what these tests do.
  await writeKeyFile(join(directory, 'keys', `${online.key.keyid}.json`), online, undefined);
  const index = await openBare(directory, options.clock ? { clock: options.clock } : {});
  await index.accounts.createAccount('ann');
  await index.close();
  return { directory, root: metadata.root, offline, online };
}

const opened = new Map<string, OpenIndex[]>();

/** Closes what {@link openBare} opened there: an open index keeps its process alive. */
export async function closeBare(directory: string): Promise<void> {
  for (const index of opened.get(directory) ?? []) await index.close();
}

export async function openBare(directory: string, options: Partial<OpenOptions> = {}): Promise<OpenIndex> {
  const index = await openIndex(directory, { passphrase: 'x', ...options });
  opened.set(directory, [...(opened.get(directory) ?? []), index]);
  return index;
}

/** The facts of a small wheel with this content. */
export function newFile(project: string, version: string, content = `${project} ${version}`): NewFile {
  return {
    project: normalizeName(project),
    displayName: project,
    filename: `${project.replaceAll('-', '_')}-${version}-py3-none-any.whl`,
    version,
    kind: 'wheel',
    size: Buffer.byteLength(content),
    sha256: createHash('sha256').update(content).digest('hex'),
    account: 'ann',
    uploadTime: new Date('2026-01-02T03:04:05.678Z'),
    limits: { projectBytes: 1_000_000_000 },
  };
}

/** Stores the bytes and publishes, as the upload endpoint does. */
export async function uploadBare(
  index: OpenIndex,
  project: string,
  version: string,
  content?: string,
): Promise<Published> {
  const bytes = Buffer.from(content ?? `${project} ${version}`);
  const file = newFile(project, version, content);
  await index.objects.put(objectKey(file), bytes);
  return index.publisher.publish(file);
}

export function objectKey(file: NewFile): string {
  return `targets/${consistentTargetPath(targetPath(file.project, file.filename), file.sha256)}`;
}

/** A TUF client that starts from the first root and reads the store's directory as a static mirror would serve it. */
export function clientOf({ directory, root }: Signed, clock: () => Date = () => new Date()): Updater {
  const files = new Map<string, Uint8Array>();
  const store: MetadataStore = {
    read: async (name) => files.get(name),
    write: async (name, bytes) => void files.set(name, bytes),
    remove: async (name) => void files.delete(name),
    lock: (fn) => fn(),
  };
  const fetcher = {
    fetch: async (path: string): Promise<Uint8Array> => {
      try {
        return await readFile(join(directory, 'objects', 'metadata', path));
      } catch {
        throw new NotFoundError(path);
      }
    },
  };
  return new Updater({ trustedRoot: root, fetcher, store, clock });
}

/** What a client that knows only the root learns of a project: hash by filename, with `!reason` behind it when yanked. */
export async function verifiedFiles(made: Signed, project: string, clock?: () => Date): Promise<Map<string, string>> {
  const client = clientOf(made, clock);
  await client.refresh();
  return listed(client, project);
}

export async function listed(client: Updater, project: string): Promise<Map<string, string>> {
  const directory = targetPath(normalizeName(project), '');
  const found = await client.targetsIn(directory);
  return new Map(
    found.map(({ path, file }) => {
      const yanked = file.custom?.get('yanked');
      const mark = yanked === undefined ? '' : `!${typeof yanked === 'string' ? yanked : ''}`;
      return [path.slice(directory.length), `${file.hashes.get('sha256')}${mark}`];
    }),
  );
}

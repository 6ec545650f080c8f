import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  binRoleJson,
  CLAIMED,
  CLOSED,
  closedRoleJson,
  RARELY_UPDATED,
  type SecurityModel,
  topDelegations,
  topsOf,
} from '@holdfast/trust';
import { rootJson, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import {
  initIndex,
  type Lifetimes,
  type OpenIndex,
  openIndex,
  type OpenOptions,
  type ServerOptions,
  startServer,
  type StoreLocations,
} from '../../src/index.ts';

export interface ServedIndexUnderTest {
  readonly index: OpenIndex;
  readonly url: string;
  readonly directory: string;
  /** The first root, as its holders would hand it out. */
  readonly root: Uint8Array;
  /** Signs root, targets and what else is offline. */
  readonly offline: LocalSigner;
  /** Of the account `ann`. */
  readonly token: string;
  leftovers(): Promise<readonly string[]>;
  /** Ends it before the test does. */
  close(): Promise<void>;
}

export const PASSPHRASE = 'a passphrase for tests';

/** A whole index, signed by keys of its own, behind a server; gone when the test ends. */
export async function serveIndex(
  t: TestContext,
  options: Partial<ServerOptions> = {},
  {
    stores = {},
    lifetimes = {},
    model = 'minimum',
    ...opening
  }: Partial<OpenOptions> & {
    readonly stores?: StoreLocations;
    readonly lifetimes?: Partial<Lifetimes>;
    readonly model?: SecurityModel;
  } = {},
): Promise<ServedIndexUnderTest> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-served-'));
  const directory = join(parent, 'index');
  const offline = await generateKey('ed25519');
  const onlineKey = await generateKey('ed25519');
  const metadata = await offlineMetadata(offline, onlineKey, model);
  const ends: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends) await end();
  };
  t.after(async () => {
    await close();
    await rm(parent, { recursive: true });
  });
  await initIndex({ directory, ...metadata, onlineKey, passphrase: PASSPHRASE, stores, lifetimes });
  const index = await openIndex(directory, { passphrase: PASSPHRASE, ...opening });
  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 500, ...options });
  ends.push(
    () => server.close(),
    () => index.close(),
  );
  await index.accounts.createAccount('ann');
  const { token } = await index.accounts.createToken({ account: 'ann', label: 'test' });
  const leftovers = (): Promise<string[]> => readdir(join(directory, 'incoming'));
  return { index, url: server.url, directory, root: metadata.root, offline, token, leftovers, close };
}

async function offlineMetadata(
  offline: LocalSigner,
  online: LocalSigner,
  model: SecurityModel,
): Promise<{
  readonly root: Uint8Array;
  readonly targets: Uint8Array;
  readonly roles: ReadonlyMap<string, Uint8Array>;
}> {
  const common = { version: 1, expires: new Date(Math.floor(Date.now() / 1000 + 86_400 * 365) * 1000) };
  const holds = ({ key }: LocalSigner) => ({ keyids: [key.keyid], threshold: 1 });
  const roles = {
    root: holds(offline),
    targets: holds(offline),
    snapshot: holds(online),
    timestamp: holds(online),
  };
  const root = rootJson({ ...common, consistentSnapshot: true, keys: [offline.key, online.key], roles });
  const tops = {
    claimed: holds(offline),
    'rarely-updated': holds(offline),
    'recently-claimed': holds(online),
    unclaimed: holds(online),
  };
  const signers = topsOf(model).length > 1 ? [online, offline] : [online];
  const keys = new Map(signers.map(({ key }) => [key.keyid, key]));
  const delegations = { keys, roles: topDelegations(model, tops) };
  const targets = targetsJson({ ...common, targets: new Map(), delegations });
  const trees = new Map<string, Uint8Array>();
  const treeKeys = { roleKeys: holds(offline), keys: new Map([[offline.key.keyid, offline.key]]) };
  const { version, expires } = common;
  for (const top of topsOf(model)) {
    const empty = top === CLAIMED ? { projects: new Map() } : { targets: new Map() };
    if (top !== CLAIMED && top !== RARELY_UPDATED) continue;
    const json = binRoleJson(top, { prefix: '', ...empty }, version, expires, treeKeys);
    trees.set(top, await signMetadata(json, [offline]));
  }
  if (model === 'maximum') trees.set(CLOSED, await signMetadata(closedRoleJson(version, expires), [offline]));
  return {
    root: await signMetadata(root, [offline]),
    targets: await signMetadata(targets, [offline]),
    roles: trees,
  };
}

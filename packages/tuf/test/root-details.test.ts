import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  DEFAULT_LIMITS,
  HASH_ALGORITHMS,
  HashMismatchError,
  MemoryMetadataStore,
  rootJson,
  signMetadata,
  TrustedSet,
  verifyContent,
} from '@holdfast/tuf';
import { followRemoteRoots, followStoredRoots, storeNewestRoot } from '../src/client/roots.ts';
import { Source } from '../src/client/source.ts';
import { key, later, NOW, TestRepository, uniqueKeys } from './repository.ts';

const ONLINE = ['timestamp.json', 'snapshot.json'] as const;

/** Says what was done to it. */
class WatchedStore extends MemoryMetadataStore {
  readonly changes: string[] = [];

  override async write(name: string, bytes: Uint8Array): Promise<void> {
    this.changes.push(`write ${name}`);
    await super.write(name, bytes);
  }

  override async remove(name: string): Promise<void> {
    this.changes.push(`remove ${name}`);
    await super.remove(name);
  }
}

async function storeWith(files: Readonly<Record<string, Uint8Array>>): Promise<WatchedStore> {
  const store = new WatchedStore();
  for (const [name, bytes] of Object.entries(files)) await store.write(name, bytes);
  store.changes.length = 0;
  return store;
}

const online = { 'timestamp.json': Uint8Array.of(1), 'snapshot.json': Uint8Array.of(2) };

async function followed(repository: TestRepository, store: MemoryMetadataStore): Promise<TrustedSet> {
  const set = await TrustedSet.create(repository.rootBytes, NOW);
  await followRemoteRoots(set, store, new Source([repository]), DEFAULT_LIMITS, new AbortController().signal);
  return set;
}

describe('a new root', () => {
  for (const role of ['timestamp', 'snapshot'] as const) {
    it(`that replaces the one key of ${role} by another makes the client forget both online roles, before it is stored (§5.3.11)`, async () => {
      const repository = await TestRepository.create();
      repository.signers = { ...repository.signers, [role]: [await key()] };
      await repository.publishRoot();
      const store = await storeWith(online);
      await followed(repository, store);
      assert.deepEqual(store.changes, [
        'remove timestamp.json',
        'remove snapshot.json',
        'remove proven-roles',
        'write root.2',
        'write root.json',
      ]);
    });
  }

  it('that only lists the same keys in another order makes it forget nothing', async () => {
    const repository = await TestRepository.create();
    const pair = await Promise.all([key(), key()]);
    repository.signers = { ...repository.signers, timestamp: pair };
    await repository.publishRoot();
    const second = repository.file('2.root.json');
    repository.signers = { ...repository.signers, timestamp: pair.toReversed() };
    await repository.publishRoot();
    const set = await TrustedSet.create(second, NOW);
    const store = await storeWith(online);
    await followRemoteRoots(set, store, new Source([repository]), DEFAULT_LIMITS, new AbortController().signal);
    assert.deepEqual(store.changes, ['write root.3', 'write root.json']);
  });

  it('may list a keyid without its key', async () => {
    const repository = await TestRepository.create();
    const { root, timestamp, snapshot, targets } = repository.signers;
    const roleKeys = (signers: typeof root, ...more: readonly string[]) => ({
      keyids: [...signers.map((signer) => signer.key.keyid), ...more],
      threshold: 1,
    });
    const signed = rootJson({
      version: 2,
      expires: later(100),
      consistentSnapshot: true,
      keys: uniqueKeys([...root, ...timestamp, ...snapshot, ...targets]),
      roles: {
        root: roleKeys(root),
        timestamp: roleKeys(timestamp, 'not listed'),
        snapshot: roleKeys(snapshot),
        targets: roleKeys(targets),
      },
    });
    repository.files.set('2.root.json', await signMetadata(signed, root));
    assert.equal((await followed(repository, new MemoryMetadataStore())).root.signed.version, 2);
  });
});

describe('stored roots', () => {
  it('are followed without touching the store when they are whole, and when there are none', async () => {
    const repository = await TestRepository.create();
    const second = await repository.publishRoot();
    for (const files of [{}, { 'root.2': second }]) {
      const store = await storeWith(files);
      const set = await TrustedSet.create(repository.rootBytes, NOW);
      await followStoredRoots(set, store);
      assert.equal(set.root.signed.version, 1 + Object.keys(files).length);
      assert.deepEqual(store.changes, []);
    }
  });

  it('are dropped when damaged, but not because of a mistake of the caller', async () => {
    const repository = await TestRepository.create();
    const second = await repository.publishRoot();
    const store = await storeWith({ 'root.2': second.subarray(1) });
    const set = await TrustedSet.create(repository.rootBytes, NOW);
    await followStoredRoots(set, store);
    assert.deepEqual(store.changes, ['remove root.2']);
    const late = await TrustedSet.create(repository.rootBytes, NOW);
    await late.updateTimestamp(repository.file('timestamp.json'));
    const whole = await storeWith({ 'root.2': second });
    await assert.rejects(followStoredRoots(late, whole), /root comes before timestamp/);
    assert.deepEqual(whole.changes, []);
  });

  it('older than the one that the client brings count as the step before it (§5.3.11)', async () => {
    const repository = await TestRepository.create();
    repository.signers = { ...repository.signers, timestamp: [await key()] };
    const second = await repository.publishRoot();
    const store = await storeWith({ ...online, 'root.json': repository.rootBytes });
    await followStoredRoots(await TrustedSet.create(second, NOW), store);
    assert.deepEqual(store.changes, [
      'remove timestamp.json',
      'remove snapshot.json',
      'remove proven-roles',
      'write root.json',
    ]);
    assert.deepEqual(await store.read('root.json'), second);
  });

  it('newer than the one that the client brings, or damaged, make it forget nothing', async () => {
    const repository = await TestRepository.create();
    repository.signers = { ...repository.signers, timestamp: [await key()] };
    const second = await repository.publishRoot();
    for (const stored of [second, second.subarray(1)]) {
      const store = await storeWith({ ...online, 'root.json': stored });
      await followStoredRoots(await TrustedSet.create(repository.rootBytes, NOW), store);
      assert.deepEqual(store.changes, []);
      for (const name of ONLINE) assert.deepEqual(await store.read(name), online[name]);
    }
  });

  it('keep the newest under its plain name, written only when it changed and nobody has moved on', async () => {
    const repository = await TestRepository.create();
    const second = await repository.publishRoot();
    const set = await TrustedSet.create(second, NOW);
    const same = await storeWith({ 'root.json': Uint8Array.from(second) });
    await storeNewestRoot(set, same);
    assert.deepEqual(same.changes, []);
    const older = await storeWith({ 'root.1': repository.rootBytes, 'root.json': repository.rootBytes });
    await storeNewestRoot(set, older);
    assert.deepEqual(older.changes, ['write root.json']);
    const newer = await storeWith({ 'root.3': Uint8Array.of(3), 'root.json': repository.rootBytes });
    await storeNewestRoot(set, newer);
    assert.deepEqual(newer.changes, []);
  });
});

describe('announced hashes', () => {
  it('are checked for each algorithm that is known', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    assert.deepEqual(HASH_ALGORITHMS, ['sha256', 'sha384', 'sha512']);
    for (const algorithm of HASH_ALGORITHMS) {
      const hash = createHash(algorithm).update(bytes).digest('hex');
      await verifyContent('x', bytes, { hashes: new Map([[algorithm, hash]]) });
      await assert.rejects(
        verifyContent('x', Uint8Array.of(1), { hashes: new Map([[algorithm, hash]]) }),
        (error) => error instanceof HashMismatchError && error.algorithm === algorithm,
      );
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  MemoryRepositoryStorage,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  Repository,
  type Signer,
  toJson,
  UnsignedMetadataError,
  verifySignatures,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { NOW } from '../repository.ts';
import { signedOf } from '../updater.ts';

const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const hello = new TextEncoder().encode('hello');
const set = (signers: readonly Signer[], threshold = 1) => ({ keys: signers.map(({ key }) => key), threshold });

async function created() {
  const [root, timestamp, snapshot, targets] = await Promise.all(
    ['ed25519', 'ed25519', 'ed25519', 'ed25519'].map(() => generateKey('ed25519')),
  );
  assert.ok(root && timestamp && snapshot && targets);
  const storage = new MemoryRepositoryStorage();
  const signers = [root, timestamp, snapshot, targets];
  const roles = { root: set([root]), timestamp: set([timestamp]), snapshot: set([snapshot]), targets: set([targets]) };
  const options = { storage, clock: () => NOW, signers };
  const repository = await Repository.create({ ...options, roles });
  const read = async (path: string): Promise<Uint8Array> => (await storage.read(path)) ?? assert.fail(`no ${path}`);
  return { repository, storage, read, root, targets, options };
}

describe('specification §3 and §6: the repository', () => {
  it('every metadata file has its version in its name, only the timestamp has none (§3.1.2, §6.2.1)', async () => {
    const { repository, storage } = await created();
    await repository.update((draft) => draft.targets.addFile('a.txt', hello));
    assert.deepEqual((await storage.list('metadata')).toSorted(), [
      'metadata/1.root.json',
      'metadata/1.snapshot.json',
      'metadata/1.targets.json',
      'metadata/2.snapshot.json',
      'metadata/2.targets.json',
      'metadata/timestamp.json',
    ]);
  });

  it('delegated roles stand beside targets under their names (§3.1.2.1)', async () => {
    const { repository, storage, targets } = await created();
    await repository.update((draft) => {
      draft.targets.delegate({ name: 'projects', ...set([targets]), paths: ['*'] });
    });
    assert.ok((await storage.list('metadata')).includes('metadata/1.projects.json'));
  });

  it('a target is stored once for each hash that metadata lists, the hash before its file name (§3.1.1, §6.2.1)', async () => {
    const { repository, storage, read } = await created();
    await repository.update((draft) => draft.targets.addFile('a/b/c.txt', hello));
    assert.deepEqual(await storage.list('targets'), [`targets/a/b/${HELLO}.c.txt`]);
    const file = parseTargets(await read('metadata/2.targets.json')).signed.targets.get('a/b/c.txt');
    assert.deepEqual(file, { length: 5, hashes: new Map([['sha256', HELLO]]) });
  });

  it('metadata names other files without version or hash (§6.2.1)', async () => {
    const { repository, read } = await created();
    await repository.update((draft) => draft.targets.addFile('a.txt', hello));
    assert.deepEqual([...parseTargets(await read('metadata/2.targets.json')).signed.targets.keys()], ['a.txt']);
    assert.deepEqual([...parseSnapshot(await read('metadata/2.snapshot.json')).signed.meta.keys()], ['targets.json']);
    const { meta } = Object.fromEntries(signedOf(await read('metadata/timestamp.json')));
    assert.ok(meta instanceof Map);
    assert.deepEqual([...meta.keys()], ['snapshot.json']);
  });

  it('root says that consistent snapshots are used (§4.3, §6.2.1)', async () => {
    const { read } = await created();
    assert.equal(signedOf(await read('metadata/1.root.json')).get('consistent_snapshot'), true);
  });

  it('a changed role, the snapshot and the timestamp get the next version and list what is new (§6.3.1, §6.3.2, §6.3.3)', async () => {
    const { repository, read } = await created();
    const published = await repository.update((draft) => draft.targets.addFile('a.txt', hello));
    assert.deepEqual(toJson(Object.fromEntries(published)), toJson({ targets: 2, snapshot: 2, timestamp: 2 }));
    assert.equal(parseSnapshot(await read('metadata/2.snapshot.json')).signed.meta.get('targets.json')?.version, 2);
    const timestamp = parseTimestamp(await read('metadata/timestamp.json')).signed;
    assert.equal(timestamp.version, 2);
    assert.equal(timestamp.snapshotMeta.version, 2);
    assert.equal(timestamp.snapshotMeta.length, (await read('metadata/2.snapshot.json')).length);
  });

  it('nothing is published below the threshold of its role (§6.3.1)', async () => {
    const { repository, storage, options, targets } = await created();
    const other = await generateKey('ed25519');
    await repository.update((draft) => draft.root.setKeys('targets', set([targets, other], 1)));
    const raised = Repository.open({ ...options, trustedRoot: repository.root });
    await assert.rejects(
      (await raised).update((draft) => draft.root.setKeys('targets', set([targets, other], 2))),
      /signature/i,
    );
    const before = await storage.list('metadata');
    assert.equal(before.includes('metadata/3.root.json'), false);
  });

  it('new root keys are signed for by the old ones and by themselves, and every root stays (§6.1, §6.2.1)', async () => {
    const { storage, read, root, options, repository } = await created();
    const fresh = await generateKey('ed25519');
    const holder = await Repository.open({
      ...options,
      signers: [...options.signers, fresh],
      trustedRoot: repository.root,
    });
    await holder.update((draft) => draft.root.setKeys('root', set([fresh])));
    const second = parseRoot(await read('metadata/2.root.json'));
    for (const signer of [root, fresh]) {
      const keys = new Map([[signer.key.keyid, signer.key]]);
      assert.equal(await verifySignatures(second, keys, { keyids: [signer.key.keyid], threshold: 1 }), 1);
    }
    await holder.update((draft) => draft.root.setKeys('snapshot', set([fresh])));
    const names = (await storage.list('metadata')).filter((name) => name.endsWith('.root.json'));
    assert.deepEqual(names.toSorted(), ['metadata/1.root.json', 'metadata/2.root.json', 'metadata/3.root.json']);
    const third = parseRoot(await read('metadata/3.root.json'));
    const old = new Map([[root.key.keyid, root.key]]);
    await assert.rejects(
      verifySignatures(third, old, { keyids: [root.key.keyid], threshold: 1 }),
      UnsignedMetadataError,
    );
  });
});

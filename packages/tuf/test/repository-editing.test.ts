import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FormatError,
  type JsonObject,
  MemoryRepositoryStorage,
  NotDelegatedError,
  NotFoundError,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  Repository,
  RepositoryExistsError,
  rootJson,
  signMetadata,
  snapshotJson,
  targetsJson,
  timestampJson,
  UnsignedMetadataError,
  VersionTakenError,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { DAY_MS, emptyFile, later, NOW } from './repository.ts';
import { by, CountingStorage, make, makeKeys, reader, text } from './served.ts';

const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

describe('a repository that is edited', () => {
  it('is created with version 1 of everything, and read by a client', async () => {
    const { storage, root } = await make();
    const report = await reader(storage, root).refresh();
    const versions = [report.rootVersion, report.timestampVersion, report.snapshotVersion, report.targetsVersion];
    assert.deepEqual(versions, [1, 1, 1, 1]);
    assert.deepEqual((await storage.list('metadata')).toSorted(), [
      'metadata/1.root.json',
      'metadata/1.snapshot.json',
      'metadata/1.targets.json',
      'metadata/timestamp.json',
    ]);
  });

  it('stores a file under its hash before any metadata names it (§6.2)', async () => {
    const storage = new CountingStorage();
    const { repository, root } = await make(storage);
    storage.forget();
    const custom: JsonObject = new Map([['note', 'ü']]);
    const published = await repository.update((draft) => draft.targets.addFile('a/b/file.txt', text('hello'), custom));
    assert.deepEqual(Object.fromEntries(published), { targets: 2, snapshot: 2, timestamp: 2 });
    const [first, journal, ...rest] = storage.writes;
    assert.equal(first, `targets/a/b/${HELLO}.file.txt`);
    assert.equal(journal, 'state/publication.json');
    assert.deepEqual(rest, ['metadata/2.targets.json', 'metadata/2.snapshot.json', 'metadata/timestamp.json']);
    const info = await reader(storage, root).targetInfo('a/b/file.txt');
    assert.deepEqual(info?.file, { length: 5, hashes: new Map([['sha256', HELLO]]), custom });
    assert.deepEqual(await storage.read(first), text('hello'));
  });

  it('publishes nothing when an edit changes nothing, takes a change back, or throws', async () => {
    const storage = new CountingStorage();
    const { repository } = await make(storage);
    await repository.update((draft) => draft.targets.addTarget('a', emptyFile()));
    storage.forget();
    assert.equal((await repository.update(() => undefined)).size, 0);
    assert.equal((await repository.update((draft) => draft.targets.addTarget('a', emptyFile()))).size, 0);
    const undone = await repository.update(async (draft) => {
      await draft.targets.addTarget('b', emptyFile());
      assert.equal(await draft.targets.removeTarget('b'), true);
      assert.equal(await draft.targets.removeTarget('b'), false);
    });
    assert.equal(undone.size, 0);
    const failing = repository.update(async (draft) => {
      await draft.targets.addTarget('b', emptyFile());
      throw new RangeError('no');
    });
    await assert.rejects(failing, RangeError);
    assert.deepEqual(storage.writes, []);
  });

  it('gives a new version to what changed, and to snapshot and timestamp, only', async () => {
    const { repository, keys, storage } = await make();
    await repository.update((draft) => {
      for (const name of ['one', 'two']) draft.targets.delegate({ name, ...by(keys.targets), paths: [`${name}/*`] });
    });
    const published = await repository.update(async (draft) => {
      await (await draft.targets.role('two')).addTarget('two/x', emptyFile());
    });
    assert.deepEqual(Object.fromEntries(published), { two: 2, snapshot: 3, timestamp: 3 });
    const { meta } = parseSnapshot((await storage.read('metadata/3.snapshot.json')) ?? text('')).signed;
    const versions = Array.from(meta, ([name, { version }]) => [name, version]);
    assert.deepEqual(Object.fromEntries(versions), { 'targets.json': 2, 'one.json': 1, 'two.json': 2 });
  });

  it('names length and hash of the snapshot in the timestamp, versions alone in the snapshot (§4.4, §4.6)', async () => {
    const { storage } = await make();
    const snapshot = (await storage.read('metadata/1.snapshot.json')) ?? text('');
    const { snapshotMeta } = parseTimestamp((await storage.read('metadata/timestamp.json')) ?? text('')).signed;
    assert.equal(snapshotMeta.length, snapshot.length);
    assert.equal(snapshotMeta.hashes?.get('sha256')?.length, 64);
    assert.deepEqual(parseSnapshot(snapshot).signed.meta.get('targets.json'), { version: 1 });
  });

  it('sets and removes members of its own, but none that the specification names', async () => {
    const { repository, storage } = await make();
    await repository.update((draft) => {
      draft.root.setField('motto', 'festina lente');
      draft.targets.setField('motto', new Map([['a', 1]]));
    });
    assert.equal(parseRoot(repository.root).signed.unrecognized.get('motto'), 'festina lente');
    await repository.update((draft) => {
      draft.root.setField('motto', undefined);
      assert.throws(() => draft.root.setField('keys', 1), FormatError);
      assert.throws(() => draft.targets.setField('version', 1), FormatError);
    });
    assert.equal(parseRoot(repository.root).signed.unrecognized.size, 0);
    const targets = parseTargets((await storage.read('metadata/2.targets.json')) ?? text(''));
    assert.deepEqual(targets.signed.unrecognized.get('motto'), new Map([['a', 1]]));
  });

  it('gives new versions the lifetime of their role, or the expiry that was asked for', async () => {
    const { repository, storage } = await make(undefined, { lifetimes: { targets: 10, timestamp: 20 } });
    const expires = async (path: string) => parseTargets((await storage.read(path)) ?? text('')).signed.expires;
    assert.equal((await expires('metadata/1.targets.json')).getTime(), NOW.getTime() + 10_000);
    assert.deepEqual(Object.fromEntries(await repository.update((draft) => draft.targets.setExpires(later(3)))), {
      targets: 2,
      snapshot: 2,
      timestamp: 2,
    });
    assert.deepEqual(await expires('metadata/2.targets.json'), later(3));
    await assert.rejects(
      repository.update((draft) => draft.targets.setExpires(NOW)),
      { code: 'EXPIRED', role: 'targets' },
    );
  });

  it('delegates by patterns and hash prefixes, in the order asked for, and to roles of roles', async () => {
    const { keys, storage, root } = await make();
    const [a, b] = [await generateKey('ed25519'), await generateKey('ecdsa-sha2-nistp256')];
    const signing = await Repository.open({
      storage,
      clock: () => NOW,
      signers: [...Object.values(keys), a, b],
      trustedRoot: root,
    });
    await signing.update(async (draft) => {
      draft.targets.delegate({ name: 'last', ...by(keys.targets), pathHashPrefixes: [''] });
      draft.targets.delegate({ name: 'first', ...by(a, b), paths: ['p/*'], terminating: true, before: 'last' });
      const first = await draft.targets.role('first');
      first.delegate({ name: 'inner/é', ...by(b), paths: ['p/?'] });
      await (await first.role('inner/é')).addTarget('p/x', emptyFile(1));
      await (await draft.targets.role('last')).addTarget('q', emptyFile(3));
    });
    assert.notEqual(await storage.read('metadata/1.inner/é.json'), undefined);
    const client = reader(storage, root);
    assert.deepEqual((await client.targetInfo('p/x'))?.chain, ['targets', 'first', 'inner/é']);
    assert.equal((await client.targetInfo('q'))?.file.length, 3);
    await signing.update(async (draft) => {
      assert.equal(draft.targets.undelegate('first'), true);
      assert.equal(draft.targets.undelegate('first'), false);
      await (await draft.targets.role('last')).addTarget('p/x', emptyFile(2));
    });
    assert.equal((await client.refresh()).snapshotVersion, 3);
    assert.equal((await client.targetInfo('p/x'))?.file.length, 2);
  });

  it('puts a target into its bin by itself, and takes it out again (TAP 15)', async () => {
    const { repository, keys, storage, root } = await make();
    const published = await repository.update((draft) =>
      draft.targets.delegateBins({ ...by(keys.snapshot), bitLength: 5, namePrefix: 'bin' }),
    );
    assert.equal(published.size, 3 + 32);
    const paths = Array.from({ length: 40 }, (_, index) => `d/${index}`);
    await repository.update(async (draft) => {
      for (const [index, path] of paths.entries()) await draft.targets.addTarget(path, emptyFile(index));
      assert.deepEqual([...draft.targets.paths], []);
    });
    const client = reader(storage, root);
    for (const [index, path] of paths.entries()) {
      const info = await client.targetInfo(path);
      assert.equal(info?.file.length, index);
      assert.match(info?.chain.join(' ') ?? '', /^targets bin-[01][0-9a-f]$/);
    }
    await repository.update(async (draft) => assert.equal(await draft.targets.removeTarget('d/7'), true));
    await client.refresh();
    assert.equal(await client.targetInfo('d/7'), undefined);
    const bins = { ...by(keys.snapshot), bitLength: 6, namePrefix: 'bin' };
    const tooMany = { ...bins, bitLength: 21, namePrefix: 'more' };
    const where = 'succinct_roles.bit_length';
    await repository.update((draft) =>
      assert.throws(() => draft.targets.delegateBins(tooMany), { code: 'FORMAT', where }),
    );
    await assert.rejects(
      repository.update((draft) => draft.targets.delegateBins(bins)),
      FormatError,
    );
  });

  it('refuses a target that no client would look for in that role', async () => {
    const { repository, keys } = await make();
    await repository.update(async (draft) => {
      draft.targets.delegate({ name: 'closed', ...by(keys.targets), paths: ['c/*'], terminating: true });
      draft.targets.delegate({ name: 'open', ...by(keys.targets), paths: ['c/*', 'o/*'] });
      const [closed, open] = [await draft.targets.role('closed'), await draft.targets.role('open')];
      await open.addTarget('o/x', emptyFile());
      await assert.rejects(closed.addTarget('o/x', emptyFile()), NotDelegatedError);
      // The search ends at the terminating role before.
      await assert.rejects(open.addTarget('c/x', emptyFile()), NotDelegatedError);
      await assert.rejects(draft.targets.role('absent'), NotDelegatedError);
    });
  });

  it('refuses names that do not stand for one file, thresholds out of reach, and one keyid for two keys', async () => {
    const { repository, keys } = await make();
    const other = await generateKey('ed25519');
    await repository.update(async (draft) => {
      for (const path of ['', '/a', 'a/', 'a//b', '../a', 'a/./b', 'a\\b'])
        await assert.rejects(draft.targets.addTarget(path, emptyFile()), FormatError, path);
      for (const name of ['a/../b', 'root', '', 'x\\y'])
        assert.throws(() => draft.targets.delegate({ name, ...by(other), paths: ['*'] }), FormatError, name);
      assert.throws(() => draft.root.setKeys('targets', { keys: [other.key], threshold: 2 }), FormatError);
      const twin = { ...other.key, keyid: 'twin' };
      assert.throws(() => draft.root.setKeys('targets', { keys: [other.key, twin], threshold: 2 }), FormatError);
      assert.throws(() => draft.root.setKeys('targets', { keys: [], threshold: 1 }), FormatError);
      const impostor = { ...other.key, keyid: keys.root.key.keyid };
      assert.throws(() => draft.root.setKeys('targets', { keys: [impostor], threshold: 1 }), FormatError);
    });
  });

  it('is opened from any older root, and not from storage that clients would refuse', async () => {
    const { repository, storage, root, reopen } = await make();
    for (const days of [400, 500]) await repository.update((draft) => draft.root.setExpires(later(days)));
    assert.deepEqual((await reopen()).root, repository.root);
    assert.notDeepEqual(root, repository.root);
    const stranger = await make();
    await assert.rejects(
      Repository.open({ storage, clock: () => NOW, signers: [], trustedRoot: stranger.root }),
      UnsignedMetadataError,
    );
    await storage.remove('metadata/1.snapshot.json');
    await assert.rejects(reopen(), NotFoundError);
  });

  it('starts from what is served, also when others publish, and when only root moved on', async () => {
    const { repository, reopen, storage, root } = await make();
    const other = await reopen();
    for (const days of [400, 401]) {
      await repository.update(() => undefined); // looks, and remembers
      await other.update((draft) => draft.root.setExpires(later(days)));
      const published = await repository.update((draft) => draft.root.setField('days', days));
      assert.equal(published.get('root'), 2 * days - 797);
    }
    await repository.update(() => undefined);
    await other.update((draft) => draft.targets.addTarget('theirs', emptyFile()));
    await repository.update((draft) => draft.targets.addTarget('ours', emptyFile()));
    const client = reader(storage, root);
    for (const path of ['theirs', 'ours']) assert.notEqual(await client.targetInfo(path), undefined);
  });

  it('goes on after a write that failed: what had begun is published first', async () => {
    const storage = new FailingStorage();
    const { repository, root } = await make(storage);
    for (const [index, path] of ['metadata/2.snapshot.json', 'metadata/timestamp.json'].entries()) {
      storage.failing = path;
      const failed = repository.update((draft) => draft.targets.addTarget(`failed/${index}`, emptyFile()));
      await assert.rejects(failed, /no space left/);
      await reader(storage, root).refresh();
      storage.failing = '';
      await repository.update((draft) => draft.targets.addTarget(`after/${index}`, emptyFile()));
      const client = reader(storage, root);
      for (const name of ['failed', 'after']) assert.notEqual(await client.targetInfo(`${name}/${index}`), undefined);
    }
  });

  it('is opened when everything in it has expired', async () => {
    const { reopen, storage, root } = await make();
    const late = new Date(NOW.getTime() + 3000 * DAY_MS);
    const repository = await reopen(undefined, { clock: () => late });
    await repository.renew({ before: new Date(late.getTime() + 1) });
    assert.equal((await reader(storage, root, { now: late }).refresh()).rootVersion, 2);
  });

  it('is not created twice', async () => {
    const { storage } = await make();
    const before = await storage.list('metadata');
    await assert.rejects(make(storage), RepositoryExistsError);
    assert.deepEqual(await storage.list('metadata'), before);
  });

  it('never writes other bytes under a version that is there, and passes it by when told to', async () => {
    const { repository, storage, root } = await make();
    await storage.create('metadata/2.targets.json', text('left by another tool'));
    const edit = (version?: number) =>
      repository.update(async (draft) => {
        await draft.targets.addTarget('a', emptyFile());
        if (version !== undefined) draft.targets.setVersion(version);
      });
    const before = await storage.list('metadata');
    await assert.rejects(edit(), VersionTakenError);
    assert.deepEqual(await storage.list('metadata'), before);
    assert.equal((await edit(3)).get('targets'), 3);
    assert.notEqual(await reader(storage, root).targetInfo('a'), undefined);
  });

  it('is read, but not changed, without consistent snapshots', async () => {
    const storage = new MemoryRepositoryStorage();
    const keys = await makeKeys();
    const [expires, version] = [later(9), 1];
    const all = { keyids: [keys.root.key.keyid], threshold: 1 };
    const roles = { root: all, timestamp: all, snapshot: all, targets: all };
    const root = await signMetadata(
      rootJson({ version, expires, consistentSnapshot: false, keys: [keys.root.key], roles }),
      [keys.root],
    );
    const files = {
      targets: targetsJson({ version, expires, targets: new Map() }),
      snapshot: snapshotJson({ version, expires, meta: new Map([['targets.json', { version }]]) }),
      timestamp: timestampJson({ version, expires, snapshot: { version } }),
    };
    for (const [role, json] of Object.entries(files))
      await storage.create(`metadata/${role}.json`, await signMetadata(json, [keys.root]));
    const repository = await Repository.open({ storage, clock: () => NOW, signers: [keys.root], trustedRoot: root });
    await assert.rejects(
      repository.update((draft) => draft.targets.setExpires(later(10))),
      {
        code: 'FORMAT',
        where: 'signed.consistent_snapshot',
      },
    );
    await assert.rejects(repository.sweep({ grace: 0 }), { code: 'FORMAT' });
  });
});

/** Like a full disk, for one file. */
class FailingStorage extends MemoryRepositoryStorage {
  failing = '';

  override async create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    if (path === this.failing) throw new Error('no space left');
    return super.create(path, bytes);
  }

  override async replace(path: string, bytes: Uint8Array): Promise<void> {
    if (path === this.failing) throw new Error('no space left');
    return super.replace(path, bytes);
  }
}

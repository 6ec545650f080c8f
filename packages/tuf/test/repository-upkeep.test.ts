import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryMetadataStore, parseSnapshot, Repository, type Signer, Updater } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { DAY_MS, emptyFile, later, NOW } from './repository.ts';
import { by, CountingStorage, make, reader, StorageFetcher, text } from './served.ts';

describe('renewal', () => {
  it('signs what expires before a time, with all that follows, and nothing else', async () => {
    const { repository, storage, root } = await make();
    assert.equal((await repository.renew({ before: NOW })).published.size, 0);
    // The timestamp lasts a day, the snapshot a week.
    const soon = await repository.renew({ before: later(2) });
    assert.deepEqual(Object.fromEntries(soon.published), { timestamp: 2 });
    assert.deepEqual(soon.unsigned, []);
    // What expires at that very moment does not expire before it.
    assert.equal((await repository.renew({ before: later(1) })).published.size, 0);
    const week = await repository.renew({ before: later(8) });
    assert.deepEqual(Object.fromEntries(week.published), { snapshot: 2, timestamp: 3 });
    const all = await repository.renew({ before: later(400) });
    assert.deepEqual(Object.fromEntries(all.published), { root: 2, targets: 2, snapshot: 3, timestamp: 4 });
    assert.equal((await reader(storage, root).refresh()).rootVersion, 2);
  });

  it('renews what it can and names what waits for holders who are elsewhere', async () => {
    const { keys, storage, root, reopen } = await make();
    const [online, holder] = [await generateKey('ed25519'), await generateKey('ed25519')];
    await (await reopen([...Object.values(keys), online, holder])).update(async (draft) => {
      draft.targets.delegate({ name: 'online', ...by(online), paths: ['o/*'] });
      draft.targets.delegate({ name: 'theirs', ...by(holder, online), paths: ['t/*'] });
      const inner = await draft.targets.role('online');
      inner.delegate({ name: 'inner', ...by(online), paths: ['o/*'] });
    });
    const machine: Signer[] = [online, keys.snapshot, keys.timestamp];
    const now = later(6);
    const repository = await reopen(machine, { clock: () => now });
    const { published, unsigned } = await repository.renew({ before: later(1000) });
    assert.deepEqual(Object.fromEntries(published), { online: 2, inner: 2, snapshot: 3, timestamp: 3 });
    assert.deepEqual(
      unsigned.map(({ role, expires }) => [role, expires]),
      [
        ['root', later(365)],
        ['targets', later(365)],
        ['theirs', later(90)],
      ],
    );
    // The rest is signed as any other change.
    const proposal = await repository.propose(async (draft) => {
      draft.targets.setExpires(later(800));
      (await draft.targets.role('theirs')).setExpires(later(700));
    });
    await repository.publish(await proposal.sign([keys.targets, holder]));
    await reader(storage, root, { now: later(6.5) }).refresh();
  });

  it('does not mistake one key under two names for two signers', async () => {
    const { keys, reopen } = await make();
    const [a, b] = [await generateKey('ed25519'), await generateKey('ed25519')];
    await (await reopen([...Object.values(keys), a, b])).update((draft) =>
      draft.targets.delegate({ name: 'role', ...by(a, b), paths: ['*'] }),
    );
    const repository = await reopen([...Object.values(keys), a, a]);
    const { unsigned } = await repository.renew({ before: later(100) });
    assert.deepEqual(
      unsigned.map(({ role }) => role),
      ['role'],
    );
  });
});

describe('sweeping', () => {
  const day = DAY_MS / 1000;

  it('removes what has not been needed for the time of grace, and never a root', async () => {
    const { storage, root, reopen } = await make();
    let now = NOW;
    const repository = await reopen(undefined, { clock: () => now });
    for (const path of ['a', 'b'])
      await repository.update(async (draft) => {
        await draft.targets.addTarget(path, emptyFile());
        draft.root.setExpires(later(path === 'a' ? 300 : 301));
      });
    assert.deepEqual(await repository.sweep({ grace: day }), { removed: [], waiting: 4 });
    now = new Date(NOW.getTime() + DAY_MS - 1);
    assert.equal((await repository.sweep({ grace: day })).waiting, 4);
    await repository.update((draft) => draft.targets.addTarget('c', emptyFile()));
    now = later(1);
    const { removed, waiting } = await repository.sweep({ grace: day });
    assert.deepEqual(removed, [
      'metadata/1.snapshot.json',
      'metadata/1.targets.json',
      'metadata/2.snapshot.json',
      'metadata/2.targets.json',
    ]);
    // Superseded a moment ago, and first seen so now.
    assert.equal(waiting, 2);
    const left = (await storage.list('metadata')).toSorted();
    const roots = ['metadata/1.root.json', 'metadata/2.root.json', 'metadata/3.root.json'];
    assert.deepEqual(
      left.filter((path) => path.includes('root')),
      roots,
    );
    assert.equal((await reader(storage, root, { now }).refresh()).rootVersion, 3);
    now = later(2);
    assert.equal((await repository.sweep({ grace: day })).removed.length, 2);
    assert.equal((await storage.list('metadata')).length, 6);
  });

  it('takes nothing from a reader in the middle of a refresh', async () => {
    const { storage, root, repository } = await make();
    const fetcher = new StorageFetcher(storage);
    const store = new MemoryMetadataStore();
    const slow = {
      async fetch(path: string, options: { maxLength: number }) {
        const bytes = await fetcher.fetch(path, options);
        if (path === 'timestamp.json') {
          await repository.update((draft) => draft.targets.addTarget('new', emptyFile()));
          await repository.sweep({ grace: 3600 });
          await repository.sweep({ grace: 3600 });
        }
        return bytes;
      },
    };
    const updater = new Updater({ trustedRoot: root, fetcher: slow, store, clock: () => NOW });
    assert.equal((await updater.refresh()).snapshotVersion, 1);
  });

  it('leaves what it did not name itself, and begins anew when its notes are lost or damaged', async () => {
    const { storage, repository } = await make();
    await storage.create('metadata/README.txt', text('hello'));
    await storage.create('metadata/mirrors.json', text('{}'));
    await repository.update((draft) => draft.targets.addTarget('a', emptyFile()));
    await repository.sweep({ grace: 0 });
    await storage.replace('state/retired.json', text('{"metadata/1.sna'));
    assert.deepEqual(await repository.sweep({ grace: 0 }), { removed: [], waiting: 2 });
    assert.equal((await repository.sweep({ grace: 0 })).removed.length, 2);
    assert.deepEqual(await repository.sweep({ grace: 0 }), { removed: [], waiting: 0 });
    assert.notEqual(await storage.read('metadata/README.txt'), undefined);
    assert.notEqual(await storage.read('metadata/mirrors.json'), undefined);
  });
});

describe('with 16 384 bins', () => {
  it('a new target costs one bin, snapshot and timestamp: no other bin is read or written', async () => {
    const storage = new CountingStorage();
    const { repository, keys, root } = await make(storage);
    const bins = { ...by(keys.targets), bitLength: 14, namePrefix: 'bin' };
    await repository.update((draft) => draft.targets.delegateBins(bins));
    const opened = await Repository.open({
      storage,
      clock: () => NOW,
      signers: Object.values(keys),
      trustedRoot: root,
    });
    for (const path of ['first', 'second']) {
      storage.forget();
      const published = await opened.update((draft) => draft.targets.addTarget(path, emptyFile()));
      const [bin = ''] = published.keys();
      assert.match(bin, /^bin-[0-3][0-9a-f]{3}$/);
      assert.deepEqual([...published.keys()], [bin, 'snapshot', 'timestamp']);
      assert.deepEqual(
        new Set(storage.reads.filter((read) => read.includes('bin-'))),
        new Set([1, 2].map((version) => `metadata/${version}.${bin}.json`)),
      );
      assert.ok(storage.reads.length <= 12, storage.reads.join(' '));
      const snapshot = published.get('snapshot') ?? 0;
      assert.deepEqual(storage.writes, [
        'state/publication.json',
        `metadata/2.${bin}.json`,
        `metadata/${snapshot}.snapshot.json`,
        'metadata/timestamp.json',
      ]);
      assert.equal(
        parseSnapshot((await storage.read(`metadata/${snapshot}.snapshot.json`)) ?? text('')).signed.meta.size,
        16385,
      );
    }
    assert.notEqual(await reader(storage, root).targetInfo('second'), undefined);
  });
});

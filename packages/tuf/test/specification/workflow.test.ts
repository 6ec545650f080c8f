import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryMetadataStore, type Signer, TrustedSet, Updater } from '@holdfast/tuf';
import { delegate, emptyFile, key, later, NOW, TestRepository } from '../repository.ts';
import { edited, updaterOf } from '../updater.ts';

const keys = (count: number): Promise<readonly (Signer & Awaited<ReturnType<typeof key>>)[]> =>
  Promise.all(Array.from({ length: count }, () => key()));

describe('specification §5: the client workflow', () => {
  it('a failed update leaves a client that the next one brings up to date, whatever failed (§5)', async () => {
    for (const name of ['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json']) {
      const repository = await TestRepository.create();
      const store = new MemoryMetadataStore();
      const updater = updaterOf(repository, { store });
      await updater.refresh();
      await repository.publishRoot();
      await repository.publish();
      const good = repository.file(name);
      for (const bad of [Buffer.from('no JSON'), edited(good, '"version":2', '"version":3'), good.subarray(1)]) {
        repository.files.set(name, bad);
        await assert.rejects(updater.refresh());
      }
      repository.files.set(name, good);
      assert.equal((await updater.refresh()).snapshotVersion, 2);
      assert.equal((await updaterOf(repository, { store }).refresh()).rootVersion, 2);
    }
  });

  it('what is valid when an update begins stays so until it ends (§5.1)', async () => {
    const repository = await TestRepository.create();
    repository.expires.timestamp = new Date(NOW.getTime() + 1000);
    await repository.publish();
    let now = NOW;
    const fetcher = {
      fetch: (path: string, options: { maxLength: number }) => {
        now = later(1);
        return repository.fetch(path, options);
      },
    };
    const updater = updaterOf(repository, { fetcher, clock: () => now });
    assert.equal((await updater.refresh()).timestampVersion, 2);
    await assert.rejects(updater.refresh(), { code: 'EXPIRED' });
  });

  it('an updater begins with a root that the application ships and that its own keys signed (§2.1.1, §5.2)', async () => {
    const repository = await TestRepository.create();
    const trustedRoot = edited(repository.rootBytes, '"version":1', '"version":7');
    await assert.rejects(updaterOf(repository, { trustedRoot }).refresh(), { code: 'UNSIGNED', role: 'root' });
    assert.deepEqual(repository.requests, []);
  });

  it('an expired trusted root still leads to its successors (§5.2)', async () => {
    const repository = await TestRepository.create();
    await repository.publishRoot();
    const late = later(366);
    repository.expires = { root: later(800), timestamp: later(400), snapshot: later(400) };
    repository.roles.set('targets', { signers: repository.signers.targets, expires: later(400) });
    await repository.publishRoot();
    await repository.publish();
    assert.equal((await updaterOf(repository, { clock: () => late }).refresh()).rootVersion, 3);
  });

  it('a root longer than the client allows is refused (§5.3.3)', async () => {
    const repository = await TestRepository.create();
    const { length } = await repository.publishRoot();
    await assert.rejects(updaterOf(repository, { limits: { rootBytes: length - 1 } }).refresh(), { code: 'LENGTH' });
  });

  it('a root needs the threshold of its predecessor and its own: two of the old and three of the new keys (§5.3.4, §6.1)', async () => {
    const [old, fresh] = await Promise.all([keys(2), keys(3)]);
    const [o1, o2] = old;
    const [n1, n2, n3] = fresh;
    assert.ok(o1 && o2 && n1 && n2 && n3);
    for (const [signers, accepted] of [
      [[o1, o2, n1, n2, n3], true],
      [[o1, n1, n2, n3], false],
      [[o1, o2, n1, n2], false],
      [[n1, n2, n3], false],
      [[o1, o2], false],
    ] as const) {
      const repository = await TestRepository.create();
      repository.signers = { ...repository.signers, root: old };
      repository.thresholds.root = 2;
      await repository.publishRoot();
      repository.signers = { ...repository.signers, root: fresh };
      repository.thresholds.root = 3;
      await repository.publishRoot(signers);
      const refreshed = updaterOf(repository).refresh();
      if (accepted) assert.equal((await refreshed).rootVersion, 3);
      else await assert.rejects(refreshed, { code: 'UNSIGNED', role: 'root' });
    }
  });

  it('after a refused root the next update begins with the last good one, which is kept (§5.3.4, §5.3.8)', async () => {
    const repository = await TestRepository.create();
    const store = new MemoryMetadataStore();
    const second = await repository.publishRoot();
    const third = await repository.publishRoot([await key()]);
    await assert.rejects(updaterOf(repository, { store }).refresh(), { code: 'UNSIGNED' });
    assert.deepEqual(await store.read('root.json'), second);
    repository.requests.length = 0;
    repository.files.delete('3.root.json');
    await updaterOf(repository, { store }).refresh();
    assert.equal(repository.requests[0], '3.root.json');
    assert.notDeepEqual(await store.read('root.json'), third);
  });

  it('consistent snapshots begin and end with the newest trusted root (§5.3.12)', async () => {
    const repository = await TestRepository.create();
    for (const consistent of [false, true]) {
      repository.consistentSnapshot = consistent;
      await repository.publishRoot();
      await repository.publish();
      repository.requests.length = 0;
      await updaterOf(repository).refresh();
      const prefix = consistent ? `${repository.versions.snapshot}.` : '';
      assert.deepEqual(repository.requests.slice(-2), [`${prefix}snapshot.json`, `${prefix}targets.json`]);
    }
  });

  it('a timestamp longer than the client allows is refused, and so is a snapshot without an announced length (§5.4.1, §5.5.1)', async () => {
    const repository = await TestRepository.create();
    for (const [limit, name] of [
      ['timestampBytes', 'timestamp.json'],
      ['snapshotBytes', '1.snapshot.json'],
    ] as const) {
      const limits = { [limit]: repository.file(name).length - 1 };
      await assert.rejects(updaterOf(repository, { limits }).refresh(), { code: 'LENGTH' });
    }
  });

  it('no more of snapshot and targets is read than was announced (§5.5.1, §5.6.1)', async () => {
    const repository = await TestRepository.create();
    repository.withHashes = true;
    await repository.publish();
    const allowed = new Map<string, number>();
    const fetcher = {
      fetch: (path: string, options: { maxLength: number }) => {
        allowed.set(path, options.maxLength);
        return repository.fetch(path, options);
      },
    };
    await updaterOf(repository, { fetcher }).refresh();
    for (const name of ['2.snapshot.json', '2.targets.json'])
      assert.equal(allowed.get(name), repository.file(name).length);
  });

  it('one key signs once for a threshold, in every role (§5.3.4, §5.4.2, §5.5.3, §5.6.3)', async () => {
    const signer = await key();
    for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
      const repository = await TestRepository.create();
      repository.signers = { ...repository.signers, [role]: [signer, await key()] };
      repository.thresholds[role] = 2;
      await repository.publishRoot();
      const publish = async (signers: readonly (typeof signer)[]): Promise<void> => {
        repository.signers = { ...repository.signers, [role]: signers };
        repository.roles.set('targets', { signers: repository.signers.targets });
        await repository.publish();
      };
      const both = repository.signers[role];
      await publish([signer]);
      await assert.rejects(updaterOf(repository).refresh(), { code: 'UNSIGNED', role, threshold: 2, valid: 1 });
      await publish(both);
      await updaterOf(repository).refresh();
    }
  });

  it('every verified file is kept as it was received, under its plain name (§5.3.8, §5.4.5, §5.5.7, §5.6.6)', async () => {
    const repository = await TestRepository.create();
    const signer = await key();
    const delegations = delegate({ name: 'a/b', signer });
    repository.roles.set('targets', { signers: repository.signers.targets, delegations });
    repository.roles.set('a/b', { signers: [signer], targets: new Map([['x', emptyFile()]]) });
    await repository.publishRoot();
    await repository.publish();
    for (const [name, bytes] of repository.files)
      repository.files.set(name, Buffer.concat([Buffer.from('\n '), bytes, Buffer.from(' \n')]));
    const store = new MemoryMetadataStore();
    await updaterOf(repository, { store }).targetInfo('x');
    for (const [kept, served] of [
      ['root.json', '2.root.json'],
      ['timestamp.json', 'timestamp.json'],
      ['snapshot.json', '2.snapshot.json'],
      ['targets.json', '2.targets.json'],
      ['a/b.json', '2.a%2Fb.json'],
    ] as const)
      assert.deepEqual(Buffer.from((await store.read(kept)) ?? []), Buffer.from(repository.file(served)), kept);
  });

  it('the search ends at a role that cannot be fetched or verified, though a later one has the target (§5.6.7)', async () => {
    for (const breakIt of [
      (repository: TestRepository) => repository.files.delete('2.first.json'),
      (repository: TestRepository) => repository.files.set('2.first.json', Buffer.from('{}')),
    ]) {
      const repository = await TestRepository.create();
      const signer = await key();
      const delegations = delegate({ name: 'first', signer }, { name: 'second', signer });
      repository.roles.set('targets', { signers: repository.signers.targets, delegations });
      repository.roles.set('first', { signers: [signer] });
      repository.roles.set('second', { signers: [signer], targets: new Map([['x', emptyFile()]]) });
      await repository.publish();
      assert.notEqual(await updaterOf(repository).targetInfo('x'), undefined);
      repository.requests.length = 0;
      breakIt(repository);
      await assert.rejects(updaterOf(repository).targetInfo('x'));
      assert.equal(repository.requests.includes('2.second.json'), false);
    }
  });

  it('delegated metadata is verified like targets: signatures, version, expiry, length and hash (§5.6.2 to §5.6.5, §5.6.7)', async () => {
    const signer = await key();
    for (const [change, code] of [
      [{ signers: [await key()] }, 'UNSIGNED'],
      [{ expires: NOW }, 'EXPIRED'],
    ] as const) {
      const repository = await TestRepository.create();
      repository.roles.set('targets', {
        signers: repository.signers.targets,
        delegations: delegate({ name: 'a', signer }),
      });
      repository.roles.set('a', { signers: [signer], ...change });
      await repository.publish();
      await assert.rejects(updaterOf(repository).targetInfo('x'), { code, role: 'a' });
    }
    const repository = await TestRepository.create();
    repository.withHashes = true;
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      delegations: delegate({ name: 'a', signer }),
    });
    repository.roles.set('a', { signers: [signer] });
    await repository.publish();
    const good = repository.file('2.a.json');
    repository.files.set('2.a.json', edited(good, '"version":2', '"version":3'));
    await assert.rejects(updaterOf(repository).targetInfo('x'), { code: 'HASH' });
    repository.files.set('2.a.json', Buffer.concat([good, Buffer.from(' ')]));
    await assert.rejects(updaterOf(repository).targetInfo('x'), { code: 'LENGTH' });
  });

  it('its state machine refuses steps out of order (§5.3 to §5.6)', async () => {
    const repository = await TestRepository.create();
    const set = await TrustedSet.create(repository.rootBytes, NOW);
    await assert.rejects(set.updateSnapshot(repository.file('1.snapshot.json')), /timestamp comes before snapshot/);
    await set.updateTimestamp(repository.file('timestamp.json'));
    await assert.rejects(set.updateRoot(repository.rootBytes), /root comes before timestamp/);
    await set.updateSnapshot(repository.file('1.snapshot.json'));
    await assert.rejects(set.updateTimestamp(repository.file('timestamp.json')), /timestamp comes before snapshot/);
    await set.updateRole(repository.file('1.targets.json'), 'targets', 'root');
    await assert.rejects(set.updateSnapshot(repository.file('1.snapshot.json')), /snapshot comes before targets/);
  });

  it('a client with a wrong clock may be told the time (§7.1)', async () => {
    const repository = await TestRepository.create();
    const { rootBytes: trustedRoot } = repository;
    const wrong = new Updater({
      trustedRoot,
      fetcher: repository,
      store: new MemoryMetadataStore(),
      clock: () => later(5000),
    });
    await assert.rejects(wrong.refresh(), { code: 'EXPIRED' });
    assert.equal((await updaterOf(repository, { clock: () => NOW }).refresh()).rootVersion, 1);
  });
});

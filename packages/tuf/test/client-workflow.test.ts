import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ExpiredError,
  HashMismatchError,
  LengthMismatchError,
  MemoryMetadataStore,
  MismatchError,
  MissingMetadataError,
  NetworkError,
  RollbackError,
  type Signer,
  signMetadata,
  snapshotJson,
  targetsJson,
  UnsignedMetadataError,
} from '@holdfast/tuf';
import { DAY_MS, delegate, emptyFile, key, later, NOW, TestRepository } from './repository.ts';
import { updaterOf as client } from './updater.ts';

describe('the client workflow (§5)', () => {
  it('fetches root, timestamp, snapshot and targets once each, in this order, and nothing more when nothing changed (§5)', async () => {
    const repository = await TestRepository.create();
    const store = new MemoryMetadataStore();
    assert.deepEqual(await client(repository, { store }).refresh(), {
      offline: false,
      rootVersion: 1,
      timestampVersion: 1,
      snapshotVersion: 1,
      targetsVersion: 1,
      timestampExpires: later(1),
    });
    assert.deepEqual(repository.requests.splice(0), [
      '2.root.json',
      'timestamp.json',
      '1.snapshot.json',
      '1.targets.json',
    ]);
    await client(repository, { store }).refresh();
    assert.deepEqual(repository.requests, ['2.root.json', 'timestamp.json']);
  });

  it('asks for unversioned names when root has no consistent_snapshot (§6.2)', async () => {
    const repository = await TestRepository.create();
    repository.consistentSnapshot = false;
    await repository.publishRoot();
    await repository.publish();
    await client(repository).refresh();
    assert.deepEqual(repository.requests.slice(-3), ['timestamp.json', 'snapshot.json', 'targets.json']);
  });

  it('follows a chain of root versions, each signed by the keys of the one before and by its own (§5.3.1, §5.3.4, P13)', async () => {
    const repository = await TestRepository.create();
    for (let count = 0; count < 3; count++) {
      repository.signers = { ...repository.signers, root: [await key()] };
      await repository.publishRoot();
    }
    assert.equal((await client(repository).refresh()).rootVersion, 4);
  });

  it('refuses a root that the trusted root did not sign, and one that does not sign itself (§5.3.4)', async () => {
    for (const signsOld of [true, false]) {
      const repository = await TestRepository.create();
      const old = repository.signers.root;
      const fresh = [await key()];
      repository.signers = { ...repository.signers, root: fresh };
      await repository.publishRoot(signsOld ? old : fresh);
      await assert.rejects(client(repository).refresh(), UnsignedMetadataError);
    }
  });

  it('refuses a root of another version than the next (§5.3.5)', async () => {
    const repository = await TestRepository.create();
    repository.files.set('2.root.json', repository.rootBytes);
    await assert.rejects(client(repository).refresh(), { code: 'ROLLBACK', role: 'root', trusted: 1, offered: 1 });
    repository.versions.root = 2;
    repository.files.set('2.root.json', await repository.publishRoot());
    await assert.rejects(client(repository).refresh(), { code: 'MISMATCH', role: 'root', expected: 2, actual: 3 });
  });

  it('passes through an expired root of the chain, and refuses an expired last one (§5.3.7, §5.3.10)', async () => {
    const repository = await TestRepository.create();
    repository.expires.root = later(-1);
    await repository.publishRoot();
    await assert.rejects(client(repository).refresh(), { code: 'EXPIRED', role: 'root' });
    repository.expires.root = later(1);
    await repository.publishRoot();
    assert.equal((await client(repository).refresh()).rootVersion, 3);
  });

  it('follows no more root versions in one refresh than the limit, and the rest in the next (§5.3.3)', async () => {
    const repository = await TestRepository.create();
    for (let count = 0; count < 3; count++) await repository.publishRoot();
    const updater = client(repository, { limits: { rootRotations: 2 } });
    assert.equal((await updater.refresh()).rootVersion, 3);
    assert.equal((await updater.refresh()).rootVersion, 4);
  });

  it('refuses a timestamp or snapshot older than the trusted one (§4.3, §5.4.3.1, §5.4.3.2, P20)', async () => {
    const repository = await TestRepository.create();
    await repository.publish();
    const updater = client(repository);
    await updater.refresh();
    repository.versions = { ...repository.versions, timestamp: 1 };
    await repository.publishTimestamp({ version: 2 });
    await assert.rejects(updater.refresh(), { code: 'ROLLBACK', role: 'timestamp', trusted: 2, offered: 1 });
    repository.versions = { ...repository.versions, timestamp: 3 };
    await repository.publishTimestamp({ version: 1 });
    await assert.rejects(updater.refresh(), { code: 'ROLLBACK', role: 'snapshot', trusted: 2, offered: 1 });
  });

  it('drops another timestamp of the trusted version without an error (§5.4.3.1)', async () => {
    const repository = await TestRepository.create();
    const updater = client(repository);
    await updater.refresh();
    await repository.publishTimestamp({ version: 9 });
    assert.equal((await updater.refresh()).snapshotVersion, 1);
  });

  it('refuses a snapshot that takes a role back or drops it (§5.5.5)', async () => {
    for (const [version, offered] of [
      [3, 3],
      [undefined, undefined],
    ] as const) {
      const repository = await TestRepository.create();
      const signer = await key();
      repository.roles.set('extra', { signers: [signer], version: 5 });
      await repository.publish();
      const updater = client(repository);
      await updater.refresh();
      repository.roles.delete('extra');
      if (version !== undefined) repository.roles.set('extra', { signers: [signer], version });
      await repository.publish();
      await assert.rejects(updater.refresh(), { code: 'ROLLBACK', role: 'extra', trusted: 5, offered });
    }
  });

  it('refuses expired timestamp, snapshot and targets, at the very second of expiry (§4.3, §5.4.4, §5.5.6, §5.6.5, P20)', async () => {
    for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
      const repository = await TestRepository.create();
      if (role === 'targets') repository.roles.set('targets', { signers: repository.signers.targets, expires: NOW });
      else repository.expires = { ...repository.expires, [role]: NOW };
      await repository.publish();
      await assert.rejects(
        client(repository).refresh(),
        (error) => error instanceof ExpiredError && error.role === role,
      );
      const before = () => new Date(NOW.getTime() - 1);
      await client(repository, { clock: before }).refresh();
    }
  });

  it('uses an expired stored timestamp to recognise a rollback (§5.4.3)', async () => {
    const repository = await TestRepository.create();
    const old = repository.file('timestamp.json');
    repository.expires.timestamp = later(0.5);
    await repository.publish();
    let now = NOW;
    const updater = client(repository, { clock: () => now });
    await updater.refresh();
    repository.files.set('timestamp.json', old);
    now = later(0.75);
    await assert.rejects(updater.refresh(), RollbackError);
  });

  it('refuses metadata that its keys did not sign (§5.4.2, §5.5.3, §5.6.3)', async () => {
    const stranger = await key();
    for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
      const repository = await TestRepository.create();
      repository.signers = { ...repository.signers, [role]: [stranger] };
      repository.roles.set('targets', { signers: repository.signers.targets });
      await repository.publish();
      await assert.rejects(
        client(repository).refresh(),
        (error) => error instanceof UnsignedMetadataError && error.role === role,
      );
    }
  });

  it('refuses snapshot and targets of another version, length or hash than announced (§5.5.2, §5.5.4, §5.6.2, §5.6.4, P20)', async () => {
    const mixed = await TestRepository.create();
    const old = mixed.file('1.targets.json');
    await mixed.publish();
    mixed.files.set('2.targets.json', old);
    await assert.rejects(client(mixed).refresh(), MismatchError);

    const wrongSnapshot = await TestRepository.create();
    wrongSnapshot.versions.timestamp++;
    await wrongSnapshot.publishTimestamp({ version: 2 });
    wrongSnapshot.files.set('2.snapshot.json', wrongSnapshot.file('1.snapshot.json'));
    await assert.rejects(client(wrongSnapshot).refresh(), {
      code: 'MISMATCH',
      role: 'snapshot',
      expected: 2,
      actual: 1,
    });

    for (const role of ['snapshot', 'targets']) {
      const hashed = await TestRepository.create();
      hashed.withHashes = true;
      await hashed.publish();
      const name = `2.${role}.json`;
      const changed = Uint8Array.from(hashed.file(name));
      changed[20] = (changed[20] ?? 0) ^ 1;
      hashed.files.set(name, changed);
      await assert.rejects(client(hashed).refresh(), HashMismatchError);
      hashed.files.set(name, Uint8Array.of(...changed, 32));
      await assert.rejects(client(hashed).refresh(), LengthMismatchError);
      hashed.files.set(name, changed.subarray(1));
      await assert.rejects(client(hashed).refresh(), LengthMismatchError);
    }
  });

  it('refuses hashes of which it knows none (tuf-js deviation 5)', async () => {
    const repository = await TestRepository.create();
    repository.versions.timestamp++;
    await repository.publishTimestamp({ version: 1, hashes: new Map([['md5', '00'.repeat(16)]]) });
    await assert.rejects(client(repository).refresh(), HashMismatchError);
  });

  it('recovers from a fast-forward attack when the keys are rotated, even if some stay (§5.3.11, P20)', async () => {
    for (const role of ['timestamp', 'snapshot'] as const) {
      const repository = await TestRepository.create();
      const shared = await key();
      const stolen = await key();
      repository.signers = { ...repository.signers, [role]: [shared, stolen] };
      await repository.publishRoot();
      const updater = client(repository);
      repository.versions = { ...repository.versions, timestamp: 1_000_000, snapshot: 1_000_000 };
      await repository.publish();
      await updater.refresh();
      repository.signers = { ...repository.signers, [role]: [shared] };
      await repository.publishRoot();
      repository.versions = { ...repository.versions, timestamp: 2, snapshot: 2 };
      await repository.publish();
      assert.equal((await updater.refresh()).timestampVersion, 3);
    }
  });

  it('recovers from a fast-forward attack when the client itself brings the newer root (§5.3.11)', async () => {
    const repository = await TestRepository.create();
    const shared = repository.signers.timestamp;
    repository.signers = { ...repository.signers, timestamp: [...shared, await key()] };
    await repository.publishRoot();
    const store = new MemoryMetadataStore();
    repository.versions = { ...repository.versions, timestamp: 1_000_000 };
    await repository.publish();
    await client(repository, { store }).refresh();
    repository.signers = { ...repository.signers, timestamp: shared };
    const trustedRoot = await repository.publishRoot();
    repository.versions = { ...repository.versions, timestamp: 5 };
    await repository.publish();
    assert.equal((await client(repository, { store, trustedRoot }).refresh()).timestampVersion, 6);
  });

  it('keeps its rollback protection over a root rotation that leaves the online keys alone (§5.3.11)', async () => {
    const repository = await TestRepository.create();
    const old = repository.file('timestamp.json');
    await repository.publish();
    const updater = client(repository);
    await updater.refresh();
    await repository.publishRoot();
    repository.files.set('timestamp.json', old);
    await assert.rejects(updater.refresh(), RollbackError);
  });

  it('reads the clock once for a refresh (§5.1)', async () => {
    const repository = await TestRepository.create();
    let reads = 0;
    const clock = () => new Date(NOW.getTime() + reads++ * 400 * DAY_MS);
    await client(repository, { clock }).refresh();
    assert.equal(reads, 1);
  });

  it('says which role is delegated to but missing from the snapshot (tuf-js deviation 8)', async () => {
    const repository = await TestRepository.create();
    repository.versions.snapshot++;
    repository.versions.timestamp++;
    await repository.publishSnapshot(new Map());
    await assert.rejects(
      client(repository).refresh(),
      (error) => error instanceof MissingMetadataError && error.role === 'targets',
    );
  });

  it('fetches the snapshot again when the stored one is of the right version but not of the announced hash (§5.5.2)', async () => {
    const repository = await TestRepository.create();
    const store = new MemoryMetadataStore();
    await client(repository, { store }).refresh();
    repository.withHashes = true;
    repository.versions = { ...repository.versions, snapshot: 0 };
    repository.expires.snapshot = later(6);
    await repository.publish();
    await client(repository, { store }).refresh();
    assert.deepEqual(await store.read('snapshot.json'), repository.file('1.snapshot.json'));
  });

  it('refuses two contents of one version of a role, though each is signed for its parent (§4.4)', async () => {
    const [one, two] = await Promise.all([key(), key()]);
    const repository = await TestRepository.create();
    const common = { version: 1, expires: later(9) };
    const content = (path: string, signer: Signer) =>
      signMetadata(targetsJson({ ...common, targets: new Map([[path, emptyFile()]]) }), [signer]);
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      delegations: delegate({ name: 'a', signer: one }, { name: 'b', signer: one }),
    });
    repository.roles.set('a', { signers: [one], delegations: delegate({ name: 'shared', signer: one, paths: ['x'] }) });
    repository.roles.set('b', { signers: [one], delegations: delegate({ name: 'shared', signer: two, paths: ['y'] }) });
    repository.roles.set('shared', { signers: [one], version: 1 });
    await repository.publish();
    repository.files.set('1.shared.json', await content('x', one));
    const updater = client(repository);
    assert.notEqual(await updater.targetInfo('x'), undefined);
    repository.files.set('1.shared.json', await content('y', two));
    await assert.rejects(updater.targetInfo('y'), HashMismatchError);
  });

  it('does not keep a snapshot that was refused', async () => {
    const repository = await TestRepository.create();
    const store = new MemoryMetadataStore();
    const updater = client(repository, { store });
    await updater.refresh();
    const kept = await store.read('snapshot.json');
    repository.versions.timestamp++;
    await repository.publishTimestamp({ version: 2 });
    const signed = snapshotJson({ version: 2, expires: later(7), meta: new Map([['targets.json', { version: 9 }]]) });
    repository.files.set('2.snapshot.json', await signMetadata(signed, [await key()]));
    await assert.rejects(updater.refresh(), UnsignedMetadataError);
    assert.deepEqual(await store.read('snapshot.json'), kept);
  });
});

describe('an updater', () => {
  it('goes on from the newest snapshot when the one it holds was swept away (P11)', async () => {
    const repository = await TestRepository.create();
    repository.roles.set('targets', { signers: repository.signers.targets, targets: new Map([['old', emptyFile()]]) });
    await repository.publish();
    const old = repository.file('timestamp.json');
    repository.roles.set('targets', { signers: repository.signers.targets, targets: new Map([['new', emptyFile()]]) });
    await repository.publish();
    repository.files.delete('2.snapshot.json');
    const fresh = repository.file('timestamp.json');
    repository.files.set('timestamp.json', old);
    const fetcher = {
      fetch: async (path: string, options: { maxLength: number }) => {
        const answer = repository.fetch(path, options);
        if (path === 'timestamp.json') repository.files.set(path, fresh);
        return answer;
      },
    };
    const updater = client(repository, { fetcher });
    assert.notEqual(await updater.targetInfo('new'), undefined);
  });

  it('shares one refresh between parallel calls and can refresh again (tuf-js deviation 15)', async () => {
    const repository = await TestRepository.create();
    repository.roles.set('targets', { signers: repository.signers.targets, targets: new Map([['a', emptyFile()]]) });
    await repository.publish();
    const updater = client(repository);
    await Promise.all([updater.refresh(), updater.targetInfo('a'), updater.targetInfo('b'), updater.refresh()]);
    assert.equal(repository.requests.filter((path) => path === 'timestamp.json').length, 1);
    await repository.publish();
    assert.equal((await updater.refresh()).snapshotVersion, 3);
  });

  it('answers from unexpired stored metadata without a network, only when that is allowed', async () => {
    const repository = await TestRepository.create();
    repository.roles.set('targets', { signers: repository.signers.targets, targets: new Map([['a', emptyFile()]]) });
    await repository.publish();
    await repository.publishRoot();
    const store = new MemoryMetadataStore();
    await client(repository, { store }).refresh();
    repository.unreachable = true;
    await assert.rejects(client(repository, { store }).refresh(), NetworkError);
    const offline = client(repository, { store, offline: 'fallback' });
    const report = await offline.refresh();
    assert.deepEqual([report.offline, report.rootVersion], [true, 2]);
    assert.notEqual(await offline.targetInfo('a'), undefined);
    await assert.rejects(
      client(repository, { store, offline: 'fallback', clock: () => later(2) }).refresh(),
      ExpiredError,
    );
    await assert.rejects(client(repository, { offline: 'fallback' }).refresh(), NetworkError);
  });

  it('does not take a refusal for a missing network', async () => {
    const repository = await TestRepository.create();
    const store = new MemoryMetadataStore();
    await client(repository, { store }).refresh();
    repository.files.set('timestamp.json', new TextEncoder().encode('{}'));
    await assert.rejects(client(repository, { store, offline: 'fallback' }).refresh(), { code: 'FORMAT' });
  });

  it('recovers when any stored file is cut short, changed or gone, at every length that matters (§5)', async () => {
    const repository = await TestRepository.create();
    await repository.publishRoot();
    for (const name of ['root.2', 'root.json', 'timestamp.json', 'snapshot.json', 'targets.json']) {
      for (const damage of ['empty', 'half', 'byte', 'gone'] as const) {
        const store = new MemoryMetadataStore();
        await client(repository, { store }).refresh();
        const bytes = (await store.read(name)) ?? assert.fail(`${name} is not stored`);
        if (damage === 'gone') await store.remove(name);
        else if (damage === 'byte') await store.write(name, bytes.with(bytes.length >> 1, 0));
        else await store.write(name, bytes.subarray(0, damage === 'half' ? bytes.length >> 1 : 0));
        assert.equal((await client(repository, { store }).refresh()).rootVersion, 2);
        assert.deepEqual(await store.read(name), bytes, `${name} ${damage}`);
      }
    }
  });
});

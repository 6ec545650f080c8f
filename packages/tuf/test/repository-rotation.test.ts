import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FormatError,
  MemoryMetadataStore,
  MemoryRepositoryStorage,
  parseJson,
  parseRoot,
  Repository,
  RollbackError,
  type RepositoryStorage,
  type Signer,
  TOP_LEVEL_ROLES,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { emptyFile, later, NOW } from './repository.ts';
import { by, ENORMOUS, forge, type Keys, make, makeKeys, reader, rolesBy, text } from './served.ts';

/** Looks at the storage as clients do, a new one and one that remembers, after every single write. */
class WatchedStorage extends MemoryRepositoryStorage {
  watch: (path: string) => Promise<void> = async () => undefined;

  override async create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const outcome = await super.create(path, bytes);
    await this.watch(path);
    return outcome;
  }

  override async replace(path: string, bytes: Uint8Array): Promise<void> {
    await super.replace(path, bytes);
    await this.watch(path);
  }
}

describe('rotating keys', () => {
  for (const role of TOP_LEVEL_ROLES) {
    it(`replaces the key of ${role} while clients, new and old, read at every moment`, async () => {
      const storage = new WatchedStorage();
      const { keys, root } = await make(storage);
      const fresh = await generateKey('ed25519');
      const store = new MemoryMetadataStore();
      await reader(storage, root, { store }).refresh();
      let looks = 0;
      storage.watch = async () => {
        looks++;
        await reader(storage, root).refresh();
        await reader(storage, root, { store }).refresh();
      };
      const signers = [...Object.values(keys), fresh];
      const rotating = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
      const published = await rotating.update((draft) => draft.root.setKeys(role, by(fresh)));
      assert.equal(published.get('root'), 2);
      assert.equal(published.has('targets'), role === 'targets');
      assert.equal(published.has('snapshot'), role === 'targets' || role === 'snapshot');
      assert.equal(published.has('timestamp'), role !== 'root');
      assert.ok(looks > 1);
      // From now on the new key alone does; the old one does not.
      const alone = { ...keys, [role]: fresh };
      const next = await Repository.open({
        storage,
        clock: () => NOW,
        signers: Object.values(alone),
        trustedRoot: root,
      });
      await next.update(async (draft) => {
        draft.root.setExpires(later(300));
        await draft.targets.addTarget('a', emptyFile());
      });
      assert.notEqual(await reader(storage, root, { store }).targetInfo('a'), undefined);
      await assert.rejects(
        (await Repository.open({ storage, clock: () => NOW, signers: Object.values(keys), trustedRoot: root })).update(
          async (draft) => {
            draft.root.setExpires(later(301));
            await draft.targets.addTarget('b', emptyFile());
          },
        ),
        (error) => error instanceof Error && error.message.includes(`${role} needs 1 more, by ${fresh.key.keyid}`),
      );
    });
  }

  it('replaces lost keys too: then the new root comes before what only it makes readable', async () => {
    const storage = new WatchedStorage();
    const { keys, root } = await make(storage);
    const fresh = await generateKey('ed25519');
    const writes: string[] = [];
    storage.watch = async (path) => void writes.push(path);
    const { timestamp: lost, ...rest } = keys;
    const signers = [...Object.values(rest), fresh];
    const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
    await repository.update((draft) => draft.root.replaceKey(lost.key.keyid, fresh.key));
    assert.deepEqual(writes, ['state/publication.json', 'metadata/2.root.json', 'metadata/timestamp.json']);
    assert.equal((await reader(storage, root).refresh()).timestampVersion, 2);
  });

  it('rotates all top-level keys at once, several times over', async () => {
    const storage = new MemoryRepositoryStorage();
    const { root, ...made } = await make(storage);
    let keys = made.keys;
    const store = new MemoryMetadataStore();
    for (let round = 2; round < 6; round++) {
      const next = await makeKeys();
      const signers = [...Object.values(keys), ...Object.values(next)];
      const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
      await repository.update((draft) => {
        for (const role of TOP_LEVEL_ROLES) draft.root.setKeys(role, rolesBy(next)[role]);
      });
      assert.equal(parseRoot(repository.root).signed.keys.size, 4);
      const report = await reader(storage, root, { store }).refresh();
      assert.deepEqual([report.rootVersion, report.timestampVersion], [round, round]);
      keys = next;
    }
  });

  it('changes thresholds, and revokes a key in every role that lists it unless the others are too few', async () => {
    const { keys, storage, root } = await make();
    const [a, b] = [await generateKey('ed25519'), await generateKey('rsassa-pss-sha256')];
    const signers = [...Object.values(keys), a, b];
    const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
    await repository.update((draft) => {
      draft.root.setKeys('root', { ...by(keys.root, a, b), threshold: 2 });
      draft.root.setKeys('targets', by(a, b));
    });
    assert.equal((await reader(storage, root).refresh()).targetsVersion, 2);
    await assert.rejects(
      repository.update((draft) => draft.root.revokeKey(a.key.keyid)),
      FormatError,
    );
    await repository.update((draft) => {
      draft.root.setKeys('targets', { ...by(a, b), threshold: 1 });
      draft.root.revokeKey(a.key.keyid);
      assert.throws(() => draft.root.revokeKey('unknown'), FormatError);
    });
    const { signed } = parseRoot(repository.root);
    assert.equal(signed.keys.has(a.key.keyid), false);
    assert.deepEqual(signed.roles.get('targets')?.keyids, [b.key.keyid]);
    const report = await reader(storage, root).refresh();
    // What b had signed is still good, so targets stays at its version.
    assert.deepEqual([report.rootVersion, report.targetsVersion], [3, 2]);
  });

  it('rotates the keys of a delegated role: what it holds is kept and signed anew, nothing else', async () => {
    const { keys, storage, root } = await make();
    const [old, fresh] = [await generateKey('ed25519'), await generateKey('ed25519')];
    const open = (...more: Signer[]) =>
      Repository.open({ storage, clock: () => NOW, signers: [...Object.values(keys), ...more], trustedRoot: root });
    await (await open(old)).update(async (draft) => {
      draft.targets.delegate({ name: 'role', ...by(old), paths: ['r/*'] });
      draft.targets.delegate({ name: 'other', ...by(keys.targets), paths: ['o/*'] });
      await (await draft.targets.role('role')).addTarget('r/a', emptyFile(7));
    });
    const published = await (await open(fresh)).update((draft) => draft.targets.setKeys('role', by(fresh)));
    assert.deepEqual(Object.fromEntries(published), { targets: 3, role: 2, snapshot: 3, timestamp: 3 });
    const info = await reader(storage, root).targetInfo('r/a');
    assert.deepEqual([info?.file.length, info?.keys], [7, [fresh.key.keyid]]);
    const targets = parseJson((await storage.read('metadata/3.targets.json')) ?? text(''));
    assert.doesNotMatch(JSON.stringify([...flatten(targets)]), new RegExp(old.key.keyid));
    await assert.rejects(
      (await open()).update((draft) => draft.targets.setKeys('absent', by(fresh))),
      FormatError,
    );
  });

  it('rotates the key of all bins, each of which is signed anew (TAP 15)', async () => {
    const { keys, storage, root } = await make();
    const [old, fresh] = [await generateKey('ed25519'), await generateKey('ed25519')];
    const signers = [...Object.values(keys), old, fresh];
    const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
    await repository.update(async (draft) => {
      draft.targets.delegateBins({ ...by(old), bitLength: 3, namePrefix: 'bin' });
      await draft.targets.addTarget('a', emptyFile(5));
    });
    const published = await repository.update((draft) => draft.targets.setKeys('bin', by(fresh)));
    assert.equal(published.size, 3 + 8);
    const info = await reader(storage, root).targetInfo('a');
    assert.deepEqual([info?.file.length, info?.keys], [5, [fresh.key.keyid]]);
  });

  it('begins a role anew that was taken away and is given to somebody else, at a higher version', async () => {
    const { keys, storage, root } = await make();
    const [old, fresh] = [await generateKey('ed25519'), await generateKey('ed25519')];
    const signers = [...Object.values(keys), old, fresh];
    const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
    const store = new MemoryMetadataStore();
    await repository.update(async (draft) => {
      draft.targets.delegate({ name: 'role', ...by(old), paths: ['r/*'] });
      await (await draft.targets.role('role')).addTarget('r/a', emptyFile());
    });
    await repository.update((draft) => void draft.targets.undelegate('role'));
    assert.equal(await reader(storage, root, { store }).targetInfo('r/a'), undefined);
    await repository.update((draft) => draft.targets.delegate({ name: 'role', ...by(fresh), paths: ['r/*'] }));
    const client = reader(storage, root, { store });
    assert.equal(await client.targetInfo('r/a'), undefined);
    await repository.update((draft) => void draft.targets.undelegate('role'));
    // Back to the same holder: what that one signed last is taken up again.
    const again = await repository.update((draft) => {
      draft.targets.delegate({ name: 'role', ...by(fresh), paths: ['r/*'] });
    });
    assert.equal(again.has('role'), false);
    assert.equal((await storage.list('metadata')).filter((path) => path.endsWith('.role.json')).length, 2);
    await client.refresh();
  });

  it('drops what was edited in a role that the same draft takes away', async () => {
    const { keys, repository, storage, root } = await make();
    const delegation = { name: 'role', ...by(keys.targets), paths: ['r/*'] };
    await repository.update((draft) => draft.targets.delegate(delegation));
    const published = await repository.update(async (draft) => {
      const role = await draft.targets.role('role');
      role.delegate({ name: 'inner', ...by(keys.targets), paths: ['r/*'] });
      await (await role.role('inner')).addTarget('r/a', emptyFile());
      draft.targets.undelegate('role');
    });
    assert.deepEqual([...published.keys()], ['targets', 'snapshot', 'timestamp']);
    await reader(storage, root).refresh();
  });

  it('satisfies every role that delegates to the same one', async () => {
    const { keys, storage, root } = await make();
    const [a, b] = [await generateKey('ed25519'), await generateKey('ed25519')];
    const signers = [...Object.values(keys), a, b];
    const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
    await repository.update(async (draft) => {
      for (const [name, signer] of [
        ['one', a],
        ['two', b],
      ] as const) {
        draft.targets.delegate({ name, ...by(keys.targets), paths: [`${name}/*`] });
        const parent = await draft.targets.role(name);
        parent.delegate({ name: 'shared', ...by(signer), paths: [`${name}/*`] });
        await (await parent.role('shared')).addTarget(`${name}/x`, emptyFile());
      }
    });
    for (const [path, signer] of [
      ['one/x', a],
      ['two/x', b],
    ] as const)
      assert.deepEqual((await reader(storage, root).targetInfo(path))?.keys, [signer.key.keyid]);
  });
});

describe('recovery from a fast-forward attack (§5.3.11)', () => {
  /** Serves a client, from stolen keys, versions as high as they go. */
  async function attack(honest: RepositoryStorage, stolen: Keys) {
    const served = new MemoryRepositoryStorage();
    for (const path of await honest.list('metadata')) await served.replace(path, (await honest.read(path)) ?? text(''));
    await forge(served, stolen, NOW);
    return served;
  }

  it('is a rotation of timestamp and snapshot when only clients saw the enormous versions', async () => {
    const { storage, keys, root } = await make();
    const store = new MemoryMetadataStore();
    assert.equal((await reader(await attack(storage, keys), root, { store }).refresh()).targetsVersion, ENORMOUS);
    await assert.rejects(reader(storage, root, { store }).refresh(), RollbackError);
    const fresh = await makeKeys();
    const signers = [...Object.values(keys), ...Object.values(fresh)];
    const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
    await repository.update((draft) => {
      for (const role of ['timestamp', 'snapshot', 'targets'] as const) draft.root.setKeys(role, rolesBy(fresh)[role]);
    });
    const report = await reader(storage, root, { store }).refresh();
    assert.deepEqual([report.timestampVersion, report.snapshotVersion, report.targetsVersion], [2, 2, 2]);
  });

  it('sets versions back when the repository itself was driven up, and goes on from there', async () => {
    const { storage, keys, root, reopen } = await make();
    await (await reopen()).update((draft) => draft.targets.addTarget('honest', emptyFile()));
    const store = new MemoryMetadataStore();
    await forge(storage, keys, NOW);
    assert.equal((await reader(storage, root, { store }).refresh()).targetsVersion, ENORMOUS);
    const fresh = await makeKeys();
    const signers = [...Object.values(keys), ...Object.values(fresh)];
    const repository = await Repository.open({ storage, clock: () => NOW, signers, trustedRoot: root });
    await repository.update((draft) => {
      for (const role of ['timestamp', 'snapshot', 'targets'] as const) draft.root.setKeys(role, rolesBy(fresh)[role]);
      for (const role of [draft.timestamp, draft.snapshot, draft.targets]) role.setVersion(3);
    });
    for (const version of [4, 5]) {
      await repository.update((draft) => draft.targets.addTarget(`after/${version}`, emptyFile()));
      const client = reader(storage, root, { store });
      const report = await client.refresh();
      assert.deepEqual(
        [report.timestampVersion, report.snapshotVersion, report.targetsVersion],
        [version, version, version],
      );
      assert.notEqual(await client.targetInfo(`after/${version}`), undefined);
    }
  });

  it('does not set versions back, nor past what numbers hold, while the keys that signed them still count', async () => {
    const { storage, keys, root, reopen } = await make();
    await forge(storage, keys, NOW);
    const extra = await generateKey('ed25519');
    const repository = await reopen([...Object.values(keys), extra]);
    await assert.rejects(
      repository.update((draft) => {
        // The old key of the timestamp stays beside the new one: clients would keep what it signed.
        draft.root.setKeys('timestamp', { ...by(keys.timestamp, extra), threshold: 1 });
        draft.root.setKeys('snapshot', by(extra));
        draft.timestamp.setVersion(3);
      }),
      RollbackError,
    );
    await repository.update((draft) => draft.targets.addTarget('a', emptyFile()));
    assert.equal((await reader(storage, root).refresh()).timestampVersion, ENORMOUS + 1);
    await assert.rejects(
      repository.update((draft) => draft.targets.addTarget('b', emptyFile())),
      (error) => error instanceof FormatError && /replace the keys/.test(error.problem),
    );
  });
});

function* flatten(value: unknown): Generator {
  if (value instanceof Map) for (const [name, member] of value) yield* [name, ...flatten(member)];
  else if (Array.isArray(value)) for (const item of value) yield* flatten(item);
  else yield value;
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type MetadataStore,
  MemoryMetadataStore,
  NetworkError,
  rotationJson,
  rotationMeta,
  rotationName,
  rotationPath,
  signMetadata,
  type Updater,
  type UpdaterOptions,
} from '@holdfast/tuf';
import { ListedProofs } from './proven-snapshot.ts';
import { emptyFile, key, later, NOW } from './repository.ts';
import { updaterOf } from './updater.ts';

function client(proofs: ListedProofs, options: Partial<UpdaterOptions> = {}): Updater {
  return updaterOf(proofs.repository, { snapshotProofs: proofs, ...options });
}

/** What was fetched as a file since the last call, and what was proven. */
function requests({ repository, asked }: ListedProofs): readonly string[] {
  return [...repository.requests.splice(0), ...asked.splice(0).map((subject) => `proof of ${subject}`)];
}

const REFRESH = ['2.root.json', 'timestamp.json'];

/** Counts what is written under each name. */
class WatchedStore extends MemoryMetadataStore {
  readonly writes: string[] = [];
  override async write(name: string, bytes: Uint8Array): Promise<void> {
    this.writes.push(name);
    await super.write(name, bytes);
  }
}

describe('a snapshot proven in parts (TAP 16)', () => {
  it('costs a refresh of root and timestamp, and one request for each subject never seen before', async () => {
    const proofs = await ListedProofs.create();
    const updater = client(proofs);
    assert.deepEqual(await updater.refresh(), {
      offline: false,
      rootVersion: 1,
      timestampVersion: 2,
      snapshotVersion: undefined,
      targetsVersion: undefined,
      timestampExpires: later(1),
    });
    assert.deepEqual(requests(proofs), REFRESH);
    const info = await updater.targetInfo('a/file');
    assert.deepEqual([info?.chain, info?.version, info?.timestampVersion], [['targets', 'bins', 'bin-a'], 1, 2]);
    assert.deepEqual(requests(proofs), ['proof of a']);
    assert.equal((await updater.targetsIn('b/')).length, 1);
    assert.equal(await updater.targetInfo('b/other'), undefined);
    assert.deepEqual(requests(proofs), ['proof of b']);
  });

  it('shares one request between parallel searches for the same, and none between others', async () => {
    const proofs = await ListedProofs.create();
    const updater = client(proofs);
    const paths = ['a/file', 'a/file', 'a/other', 'b/file', 'b/file'];
    const found = await Promise.all(paths.map((path) => updater.targetInfo(path)));
    assert.deepEqual(
      found.map((info) => info !== undefined),
      [true, true, false, true, true],
    );
    assert.deepEqual(requests(proofs), [...REFRESH, 'proof of a', 'proof of b']);
  });

  it('asks for nothing while nothing was published, in a later run too', async () => {
    const proofs = await ListedProofs.create();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    requests(proofs);
    proofs.mode = 'down';
    assert.notEqual(await client(proofs, { store }).targetInfo('a/file'), undefined);
    assert.deepEqual(requests(proofs), REFRESH);
  });

  it('asks no more where what is known answers already', async () => {
    const proofs = await ListedProofs.create();
    const { repository } = proofs;
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      version: 2,
      targets: new Map([['a/file', emptyFile()]]),
    });
    await proofs.publish();
    const updater = client(proofs);
    await updater.targetInfo('a/file');
    await updater.targetInfo('b/file');
    assert.deepEqual(requests(proofs), [...REFRESH, 'proof of a']);
  });

  it('fetches as files what did not come along', async () => {
    const proofs = await ListedProofs.create();
    proofs.brings = false;
    await client(proofs).targetInfo('a/file');
    assert.deepEqual(requests(proofs), [...REFRESH, '1.targets.json', '1.bins.json', '1.bin-a.json', 'proof of a']);
  });

  it('uses the snapshot where the timestamp names no root, and for paths that no proof answers', async () => {
    const unnamed = await ListedProofs.create();
    unnamed.named = false;
    assert.notEqual(await client(unnamed).targetInfo('a/file'), undefined);
    const files = ['2.snapshot.json', '1.targets.json', '1.bins.json', '1.bin-a.json'];
    assert.deepEqual(requests(unnamed), [...REFRESH, ...files]);

    const proofs = await ListedProofs.create();
    const updater = client(proofs);
    assert.equal(await updater.targetInfo('unprovable/file'), undefined);
    assert.deepEqual(requests(proofs), [...REFRESH, ...files.slice(0, 3)]);
    await updater.targetInfo('a/file');
    assert.deepEqual(requests(proofs), ['proof of a'], 'the others go on with proofs');
  });

  it('uses the snapshot until the next refresh where a repository offers no proofs', async () => {
    const proofs = await ListedProofs.create();
    proofs.mode = 'none';
    const updater = client(proofs);
    assert.equal((await updater.targetInfo('a/file'))?.timestampVersion, 2);
    const files = ['2.snapshot.json', '1.targets.json', '1.bins.json', '1.bin-a.json'];
    assert.deepEqual(requests(proofs), [...REFRESH, ...files, 'proof of a']);
    await updater.targetInfo('b/file');
    assert.deepEqual(requests(proofs), ['1.bin-b.json']);
    proofs.mode = 'serving';
    await updater.refresh();
    await updater.targetInfo('c/file');
    assert.deepEqual(requests(proofs), [...REFRESH, 'proof of c']);
  });

  it('fetches the timestamp again when its root is gone, once, and else the snapshot', async () => {
    const proofs = await ListedProofs.create();
    const updater = client(proofs);
    await updater.refresh();
    await proofs.publishBin('a', 2);
    requests(proofs);
    proofs.modes.push('gone');
    assert.equal((await updater.targetInfo('a/file'))?.version, 2);
    assert.deepEqual(requests(proofs), [...REFRESH, 'proof of a', 'proof of a']);
    proofs.mode = 'gone';
    assert.equal((await updater.targetInfo('b/file'))?.version, 1);
    assert.deepEqual(requests(proofs), [...REFRESH, '3.snapshot.json', '1.bin-b.json', 'proof of b']);
  });
});

describe('what proofs do not get past', () => {
  it('a role that is delegated to and proven absent is missing, as with a snapshot (§5.6)', async () => {
    const proofs = await ListedProofs.create();
    const meta = proofs.snapshot();
    meta.delete('bin-a.json');
    proofs.list(meta);
    const updater = client(proofs);
    await assert.rejects(updater.targetInfo('a/file'), { code: 'MISSING', role: 'bin-a' });
    assert.notEqual(await updater.targetInfo('b/file'), undefined);
  });

  it('a role outside of what was proven is not listed, whatever comes along with it', async () => {
    const proofs = await ListedProofs.create();
    proofs.forge = (part) => ({ ...part, meta: new Map([...part.meta].filter(([name]) => name !== 'bin-a.json')) });
    await assert.rejects(client(proofs).targetInfo('a/file'), { code: 'MISSING', role: 'bin-a' });
  });

  it('another signature, version, length, hash or time than those of the delegation and the proof (§5.6.2 to §5.6.5)', async () => {
    const stranger = await key();
    const wrong: readonly (readonly [string, (proofs: ListedProofs) => Promise<void> | void])[] = [
      ['UNSIGNED', (proofs) => void proofs.repository.roles.set('bin-a', { signers: [stranger], version: 2 })],
      ['EXPIRED', (proofs) => replaceBin(proofs, { version: 2, expires: NOW })],
    ];
    for (const [code, change] of wrong) {
      const proofs = await ListedProofs.create();
      await change(proofs);
      await proofs.publish();
      await assert.rejects(client(proofs).targetInfo('a/file'), { code, role: 'bin-a' });
    }
    const changed: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
      ['LENGTH', (bytes) => Uint8Array.of(...bytes, 32)],
      ['HASH', (bytes) => bytes.with(20, (bytes[20] ?? 0) ^ 1)],
    ];
    for (const [code, change] of changed) {
      const proofs = await ListedProofs.create();
      proofs.forge = (part) => ({
        ...part,
        roles: new Map([...part.roles].map(([role, bytes]) => [role, change(bytes)])),
      });
      await assert.rejects(client(proofs).targetInfo('a/file'), { code });
    }
    const other = await ListedProofs.create();
    other.forge = (part) => ({
      ...part,
      meta: new Map([...part.meta].map(([name, file]) => [name, { ...file, version: 9 }])),
    });
    await assert.rejects(client(other).targetInfo('a/file'), { code: 'MISMATCH', expected: 9, actual: 1 });
  });

  it('two answers under one root that do not agree', async () => {
    const proofs = await ListedProofs.create();
    const updater = client(proofs);
    await updater.targetInfo('a/file');
    proofs.forge = (part) => ({
      ...part,
      meta: new Map([...part.meta].map(([name, file]) => [name, { ...file, length: 1 }])),
    });
    await assert.rejects(updater.targetInfo('b/file'), { code: 'HASH' });
  });

  it('an expired timestamp, root or role, when it is used again (§5.4.4)', async () => {
    const proofs = await ListedProofs.create();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    for (const [days, role] of [
      [2, 'timestamp'],
      [400, 'root'],
    ] as const)
      await assert.rejects(client(proofs, { store, clock: () => later(days) }).targetInfo('a/file'), {
        code: 'EXPIRED',
        role,
      });
  });

  it('a role that goes back between two visits (§5.5.5), in one process and in the next', async () => {
    for (const again of [true, false]) {
      const proofs = await ListedProofs.create();
      const store = new MemoryMetadataStore();
      await proofs.publishBin('a', 5);
      const updater = client(proofs, { store });
      await updater.targetInfo('a/file');
      await proofs.publishBin('a', 4);
      const second = again ? updater : client(proofs, { store });
      await second.refresh();
      await assert.rejects(second.targetInfo('a/file'), { code: 'ROLLBACK', role: 'bin-a', trusted: 5, offered: 4 });
      assert.notEqual(await second.targetInfo('b/file'), undefined, 'another subject does not show it');
    }
  });

  it('a version is remembered while a role is not listed, which by itself is no rollback', async () => {
    const proofs = await ListedProofs.create();
    await proofs.publishBin('a', 5);
    const updater = client(proofs);
    await updater.targetInfo('a/file');
    const meta = proofs.snapshot();
    await proofs.publish();
    proofs.list(new Map([...meta].filter(([name]) => name !== 'bin-a.json')));
    await updater.refresh();
    await assert.rejects(updater.targetInfo('a/file'), { code: 'MISSING', role: 'bin-a' });
    await proofs.publishBin('a', 4);
    await updater.refresh();
    await assert.rejects(updater.targetInfo('a/file'), { code: 'ROLLBACK', role: 'bin-a', trusted: 5, offered: 4 });
  });

  it('a move to the whole snapshot and back (§5.5.5)', async () => {
    const proofs = await ListedProofs.create();
    const updater = client(proofs);
    await proofs.publishBin('a', 5);
    proofs.mode = 'none';
    await updater.targetInfo('a/file');
    proofs.mode = 'serving';
    // The next timestamp belongs to the same snapshot, and to another tree.
    const back = proofs.snapshot();
    const [, bin = { version: 0 }] = [...back].find(([name]) => name === 'bin-a.json') ?? [];
    proofs.repository.versions.timestamp++;
    await proofs.repository.publishSnapshot(back);
    proofs.list(new Map([...back, ['bin-a.json', { ...bin, version: 4 }]]));
    await updater.refresh();
    await assert.rejects(updater.targetInfo('a/file'), { code: 'ROLLBACK', role: 'bin-a', trusted: 5, offered: 4 });

    await proofs.publishBin('a', 7);
    await updater.refresh();
    assert.equal((await updater.targetInfo('a/file'))?.version, 7);
    await proofs.publishBin('a', 6);
    proofs.mode = 'none';
    await updater.refresh();
    await assert.rejects(updater.targetInfo('b/file'), { code: 'ROLLBACK', role: 'bin-a', trusted: 7, offered: 6 });
    await proofs.publishBin('a', 8);
    await updater.refresh();
    assert.equal((await updater.targetInfo('a/file'))?.version, 8);
  });

  it('a whole snapshot that is kept, and has fallen behind what was proven (§5.5.5)', async () => {
    const proofs = await ListedProofs.create();
    const { repository } = proofs;
    const updater = client(proofs);
    proofs.mode = 'none';
    await updater.targetInfo('a/file');
    const old = proofs.snapshot();
    await proofs.publishBin('a', 2);
    const ahead = proofs.snapshot();
    repository.versions = { ...repository.versions, snapshot: 2 };
    await repository.publishSnapshot(old);
    proofs.list(ahead);
    proofs.mode = 'serving';
    await updater.refresh();
    assert.equal((await updater.targetInfo('a/file'))?.version, 2);
    proofs.mode = 'none';
    await updater.refresh();
    await assert.rejects(updater.targetInfo('b/file'), { code: 'ROLLBACK', role: 'bin-a', trusted: 2, offered: 1 });
  });

  it('takes rotate files that came along, and fetches those that are not what the proof shows (TAP 8)', async () => {
    for (const [brought, requests] of [
      ['as it is', 0],
      ['spoiled', 1],
      ['not at all', 1],
    ] as const) {
      const proofs = await ListedProofs.create();
      const { repository } = proofs;
      const [old = assert.fail()] = repository.roles.get('bin-a')?.signers ?? [];
      const fresh = await key();
      const rotation = rotationJson({ role: 'bin-a', version: 1, keys: [fresh.key], threshold: 1 });
      const file = await signMetadata(rotation, [old]);
      repository.files.set(rotationPath('bin-a', 1), file);
      repository.extraMeta.set(...(await rotationMeta(file)));
      replaceBin(proofs, { version: 2, signers: [fresh] });
      await proofs.publish();
      proofs.forge = (part) => {
        const roles = new Map(part.roles);
        assert.ok(roles.delete('rotate/bin-a.rotate.1'));
        if (brought !== 'not at all')
          roles.set('rotate/bin-a.rotate.1', brought === 'spoiled' ? new Uint8Array(9) : file);
        return { ...part, roles };
      };
      const before = repository.requests.length;
      const store = new MemoryMetadataStore();
      assert.equal((await client(proofs, { store }).targetInfo('a/file'))?.version, 2, brought);
      const asked = repository.requests.slice(before).filter((path) => path.startsWith('rotate/'));
      assert.equal(asked.length, requests, brought);
      assert.deepEqual(await store.read('rotate/bin-a.rotate.1.json'), file);
    }
  });

  it('a rotation of keys that was followed before, where a proof does not show it (TAP 8)', async () => {
    const proofs = await ListedProofs.create();
    const { repository } = proofs;
    const [old = assert.fail()] = repository.roles.get('bin-a')?.signers ?? [];
    const fresh = await key();
    const file = await signMetadata(rotationJson({ role: 'bin-a', version: 1, keys: [fresh.key], threshold: 1 }), [
      old,
    ]);
    repository.files.set(rotationPath('bin-a', 1), file);
    repository.extraMeta.set(...(await rotationMeta(file)));
    replaceBin(proofs, { version: 2, signers: [fresh] });
    await proofs.publish();
    const updater = client(proofs);
    assert.equal((await updater.targetInfo('a/file'))?.version, 2, 'proven like the rest of the snapshot');
    const shown = proofs.snapshot();
    shown.delete(rotationName('bin-a', 1));
    replaceBin(proofs, { version: 3, signers: [old] });
    await proofs.publish();
    proofs.list(new Map([...proofs.snapshot()].filter(([name]) => shown.has(name))));
    await updater.refresh();
    await assert.rejects(updater.targetInfo('a/file'), {
      code: 'ROLLBACK',
      role: 'bin-a.rotate.1',
      offered: undefined,
    });
    // Who never saw it meets the keys of the delegation, and nothing else.
    replaceBin(proofs, { version: 4, signers: [fresh] });
    await proofs.publish();
    proofs.list(new Map([...proofs.snapshot()].filter(([name]) => shown.has(name))));
    await assert.rejects(client(proofs).targetInfo('a/file'), { code: 'UNSIGNED', role: 'bin-a' });
  });

  it('keys that were replaced: what they drove up is forgotten with them (§5.3.11)', async () => {
    const proofs = await ListedProofs.create();
    const { repository } = proofs;
    await proofs.publishBin('a', 1_000_000);
    const updater = client(proofs);
    await updater.targetInfo('a/file');
    repository.signers = { ...repository.signers, timestamp: [await key()] };
    await repository.publishRoot();
    repository.versions = { ...repository.versions, timestamp: 2 };
    await proofs.publishBin('a', 3);
    await updater.refresh();
    assert.equal((await updater.targetInfo('a/file'))?.version, 3);
  });
});

describe('proofs that are kept', () => {
  it('answer without a network until their timestamp expires, in both modes, and only what they prove', async () => {
    const proofs = await ListedProofs.create();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    proofs.mode = 'down';
    proofs.repository.unreachable = true;
    requests(proofs);
    for (const offline of ['fallback', 'only'] as const) {
      const updater = client(proofs, { store, offline });
      assert.equal((await updater.refresh()).offline, true);
      assert.equal((await updater.targetInfo('a/file'))?.version, 1);
      assert.equal(await updater.targetInfo('a/other'), undefined);
      await assert.rejects(updater.targetInfo('b/file'), NetworkError);
    }
    assert.deepEqual(requests(proofs), ['2.root.json'], 'only asks for nothing');
    const expired = client(proofs, { store, offline: 'only', clock: () => later(1) });
    await assert.rejects(expired.targetInfo('a/file'), { code: 'EXPIRED', role: 'timestamp' });
  });

  it('answer under their own timestamp when another has been seen since, and not when something newer was', async () => {
    const proofs = await ListedProofs.create();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    await proofs.publishBin('b', 2);
    const before = client(proofs, { store });
    await before.targetInfo('b/file');
    const offline = client(proofs, { store, offline: 'only' });
    assert.equal((await offline.targetInfo('a/file'))?.timestampVersion, 2);
    assert.equal((await offline.targetInfo('b/file'))?.timestampVersion, 3);
    const { repository } = proofs;
    repository.roles.set('bins', { signers: repository.roles.get('bins')?.signers ?? [], version: 2 });
    await proofs.publish();
    await client(proofs, { store }).targetInfo('b/other');
    const later = client(proofs, { store, offline: 'only' });
    assert.equal(await later.targetInfo('a/file'), undefined, 'the proof kept last shows that nobody answers any more');
  });

  it('are refused when they show less than what was proven since, whatever of it was fetched (§5.5.5)', async () => {
    const proofs = await ListedProofs.create();
    const { repository } = proofs;
    const targets = repository.roles.get('targets') ?? assert.fail();
    const direct = new Map([['b/direct', emptyFile()]]);
    repository.roles.set('targets', { ...targets, version: 2, targets: direct });
    await proofs.publish();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    repository.roles.set('bins', { ...(repository.roles.get('bins') ?? assert.fail()), version: 2 });
    await proofs.publish();
    await client(proofs, { store }).refresh();
    assert.notEqual(await client(proofs, { store, offline: 'only' }).targetInfo('a/file'), undefined);
    await client(proofs, { store }).targetInfo('b/direct');
    await client(proofs, { store }).targetInfo('b/file');
    await store.write('bins.json', repository.file('1.bins.json'));
    await assert.rejects(client(proofs, { store, offline: 'only' }).targetInfo('a/file'), NetworkError);
  });

  it('are refused under a timestamp newer than the one that is trusted now (§5.3.11)', async () => {
    const proofs = await ListedProofs.create();
    const { repository } = proofs;
    const [shared, stolen] = [await key(), await key()];
    repository.signers = { ...repository.signers, timestamp: [shared, stolen] };
    await repository.publishRoot();
    repository.versions = { ...repository.versions, timestamp: 1_000_000 };
    await proofs.publish();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    repository.signers = { ...repository.signers, timestamp: [shared] };
    await repository.publishRoot();
    repository.versions = { ...repository.versions, timestamp: 2 };
    await proofs.publishBin('b', 2);
    await client(proofs, { store }).refresh();
    await assert.rejects(client(proofs, { store, offline: 'only' }).targetInfo('a/file'), NetworkError);
  });

  it('are not believed when they are damaged, cut, or belong to something else', async () => {
    const proofs = await ListedProofs.create();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    const good = (await store.read('a.proof')) ?? assert.fail();
    for (const bad of [good.subarray(0, -1), good.subarray(0, 3), new Uint8Array(), good.with(1, 9), good.with(9, 9)]) {
      await store.write('a.proof', bad);
      requests(proofs);
      assert.notEqual(await client(proofs, { store }).targetInfo('a/file'), undefined);
      assert.deepEqual(requests(proofs), [...REFRESH, 'proof of a']);
      await store.write('a.proof', bad);
      await assert.rejects(client(proofs, { store, offline: 'only' }).targetInfo('a/file'), NetworkError);
    }
    await client(proofs, { store }).targetInfo('b/file');
    await store.write('a.proof', (await store.read('b.proof')) ?? assert.fail());
    await assert.rejects(client(proofs, { store, offline: 'only' }).targetInfo('a/file'), NetworkError);
  });

  it('are removed when nobody could use them any more', async () => {
    const proofs = await ListedProofs.create();
    const store = new MemoryMetadataStore();
    await client(proofs, { store }).targetInfo('a/file');
    proofs.repository.expires = { ...proofs.repository.expires, timestamp: later(3) };
    await proofs.publish();
    await client(proofs, { store, clock: () => later(2) }).targetInfo('b/file');
    assert.equal(await store.read('a.proof'), undefined);
    assert.notEqual(await store.read('b.proof'), undefined);
  });

  it('are written together when many searches end at once, and not again while nothing changes', async () => {
    const proofs = await ListedProofs.create();
    const store = new WatchedStore();
    const updater = client(proofs, { store });
    await Promise.all(['a/file', 'b/file', 'c/file'].map((path) => updater.targetInfo(path)));
    const written = (name: string): number => store.writes.filter((each) => each === name).length;
    assert.ok(written('proven-roles') <= 2, store.writes.join());
    store.writes.length = 0;
    await client(proofs, { store }).targetInfo('a/file');
    assert.deepEqual(store.writes, []);
    // The same list under a timestamp that is valid for longer: the proof is kept under that.
    proofs.repository.versions.timestamp++;
    proofs.repository.expires = { ...proofs.repository.expires, timestamp: later(3) };
    await proofs.repository.publishSnapshot(proofs.snapshot());
    proofs.list(proofs.snapshot());
    await client(proofs, { store }).targetInfo('a/file');
    assert.deepEqual(store.writes, ['timestamp.json', 'proven-roles', 'a.proof']);
    const offline = client(proofs, { store, offline: 'only', clock: () => later(2) });
    assert.notEqual(await offline.targetInfo('a/file'), undefined);
  });
});

describe('clients that share a store', () => {
  it('are behind, not attacked, when another has proven something newer: they go on with the newest timestamp', async () => {
    const proofs = await ListedProofs.create();
    const store: MetadataStore = new MemoryMetadataStore();
    const slow = client(proofs, { store });
    await slow.refresh();
    await proofs.publishBin('a', 2);
    await client(proofs, { store }).targetInfo('a/file');
    const info = await slow.targetInfo('a/file');
    assert.deepEqual([info?.version, info?.timestampVersion], [2, 3]);
  });

  it('write nothing once another follows a newer root (§5.3.11)', async () => {
    const proofs = await ListedProofs.create();
    const { repository } = proofs;
    const store = new MemoryMetadataStore();
    await proofs.publishBin('a', 1_000_000);
    const slow = client(proofs, { store });
    await slow.refresh();
    repository.signers = { ...repository.signers, timestamp: [await key()] };
    await repository.publishRoot();
    await proofs.publishBin('a', 3);
    await client(proofs, { store }).refresh();
    assert.equal((await slow.targetInfo('a/file'))?.version, 3);
  });
});

function replaceBin({ repository }: ListedProofs, change: object): void {
  const content = repository.roles.get('bin-a') ?? assert.fail();
  repository.roles.set('bin-a', { ...content, ...change });
}

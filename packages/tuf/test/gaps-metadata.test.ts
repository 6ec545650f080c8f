import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type JsonValue,
  MemoryMetadataStore,
  type PublicKey,
  rootJson,
  type Signer,
  signMetadata,
  targetUrlPath,
  targetsJson,
  toJson,
} from '@holdfast/tuf';
import { delegate, emptyFile, key, later, TestRepository } from './repository.ts';
import { edited, signedOf, updaterOf } from './updater.ts';

const renamed = (signer: Signer, keyid: string): Signer => ({
  key: { ...signer.key, keyid },
  sign: (data) => signer.sign(data),
});

/** A second root whose timestamp role has these keys and this threshold, and a timestamp that these signers made. */
async function withTimestampKeys(keys: readonly Signer[], threshold: number): Promise<TestRepository> {
  const repository = await TestRepository.create();
  const roleKeys = (signers: readonly Signer[]) => ({ keyids: signers.map(({ key }) => key.keyid), threshold: 1 });
  const { root, snapshot, targets } = repository.signers;
  const all: readonly PublicKey[] = [...root, ...snapshot, ...targets, ...keys].map((signer) => signer.key);
  const signed = rootJson({
    version: 2,
    expires: later(365),
    consistentSnapshot: true,
    keys: all,
    roles: {
      root: roleKeys(root),
      snapshot: roleKeys(snapshot),
      targets: roleKeys(targets),
      timestamp: { ...roleKeys(keys), threshold },
    },
  });
  repository.files.set('2.root.json', await signMetadata(signed, root));
  repository.files.set('timestamp.json', await signMetadata(signedOf(repository.file('timestamp.json')), keys));
  return repository;
}

describe('what the public client test suite leaves out: keys and signatures', () => {
  it('takes a key under a keyid that is not its hash (keyid wrong; TAP 12 instead of §4.3)', async () => {
    const repository = await withTimestampKeys([renamed(await key(), 'not a hash at all')], 1);
    assert.equal((await updaterOf(repository).refresh()).rootVersion, 2);
  });

  it('counts one key twice listed as one (one key twice)', async () => {
    const signer = await key();
    const twice = [renamed(signer, 'one'), renamed(signer, 'two')];
    await assert.rejects(updaterOf(await withTimestampKeys(twice, 2)).refresh(), { code: 'UNSIGNED', valid: 1 });
    const both = [renamed(signer, 'one'), await key()];
    assert.equal((await updaterOf(await withTimestampKeys(both, 2)).refresh()).rootVersion, 2);
  });
});

describe('what the public client test suite leaves out: formats', () => {
  it('refuses versions that are floats, exponents or beyond 2^53, wherever they stand', async () => {
    for (const version of ['1.0', '1.5', '1e0', '9007199254740993', '-1', '0', '"1"', 'true', 'null']) {
      const repository = await TestRepository.create();
      for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
        const good = repository.file(name);
        repository.files.set(name, edited(good, '"version":1', `"version":${version}`));
        await assert.rejects(updaterOf(repository).refresh(), { code: 'FORMAT' }, `${name} ${version}`);
        repository.files.set(name, good);
      }
    }
  });

  it('takes a root without consistent_snapshot for one that has none (§4.3, consistent_snapshot absent)', async () => {
    const repository = await TestRepository.create();
    repository.consistentSnapshot = false;
    const { root } = repository.signers;
    const signed = signedOf(await repository.publishRoot());
    signed.delete('consistent_snapshot');
    repository.files.set('2.root.json', await signMetadata(signed, root));
    await repository.publish();
    await updaterOf(repository).refresh();
    assert.deepEqual(repository.requests.slice(-3), ['timestamp.json', 'snapshot.json', 'targets.json']);
  });

  it('refuses JSON that two readers could read differently, as signed metadata', async () => {
    for (const [from, to] of [
      ['"version":1', '"version":1,"version":2'],
      ['"version":1', '"version":1,"\\u0076ersion":2'],
      ['"version":1', '"x":"\\ud800","version":1'],
      ['"version":1', '"x":1.5,"version":1'],
      ['"version":1', '"x":"a\nb","version":1'],
      ['"signatures"', '"signed":{},"signatures"'],
    ] as const) {
      const repository = await TestRepository.create();
      repository.files.set('timestamp.json', edited(repository.file('timestamp.json'), from, to));
      await assert.rejects(updaterOf(repository).refresh(), { code: 'FORMAT', role: 'timestamp' }, to);
    }
  });

  it('keeps unknown members under names that mean something to JavaScript', async () => {
    const repository = await TestRepository.create();
    const odd = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '\u{1f600}', '\ue000', 'control \u0001'];
    repository.extra = new Map<string, JsonValue>(odd.map((name) => [name, toJson({ polluted: true })]));
    await repository.publishRoot();
    const store = new MemoryMetadataStore();
    assert.equal((await updaterOf(repository, { store }).refresh()).rootVersion, 2);
    assert.deepEqual(await store.read('root.json'), repository.file('2.root.json'));
    assert.equal('polluted' in {}, false);
  });
});

describe('what the public client test suite leaves out: delegations', () => {
  it('matches path_hash_prefixes with the hexadecimal text of the hash, of any length (§4.5)', async () => {
    // SHA-256 of "x" is 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881.
    const whole = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
    for (const [prefix, found] of [
      ['', true],
      ['2', true],
      ['2d7', true],
      [whole, true],
      ['2D', false],
      ['-q', false],
      ['78', false],
      [`${whole}0`, false],
    ] as const) {
      const repository = await TestRepository.create();
      const signer = await key();
      const delegations = delegate({ name: 'bin', signer, pathHashPrefixes: ['ff', prefix] });
      repository.roles.set('targets', { signers: repository.signers.targets, delegations });
      repository.roles.set('bin', { signers: [signer], targets: new Map([['x', emptyFile()]]) });
      await repository.publish();
      assert.equal((await updaterOf(repository).targetInfo('x')) !== undefined, found, prefix);
    }
  });

  it('names targets without a hash where the repository serves them so (prefix_targets_with_hash off)', () => {
    const file = emptyFile();
    const hash = file.hashes.get('sha256');
    assert.equal(targetUrlPath('a/b c?.txt', file, true), `a/${hash}.b%20c%3F.txt`);
    assert.equal(targetUrlPath('a/b c?.txt', file, false), 'a/b%20c%3F.txt');
  });

  it('finds no target in a role that is signed with only md5, and says that nothing can be checked (md5 only)', async () => {
    const repository = await TestRepository.create();
    const md5 = { length: 0, hashes: new Map([['md5', 'd41d8cd98f00b204e9800998ecf8427e']]) };
    const signed = targetsJson({ version: 2, expires: later(9), targets: new Map([['x', md5]]) });
    repository.files.set('2.targets.json', await signMetadata(signed, repository.signers.targets));
    repository.versions = { ...repository.versions, snapshot: 2, timestamp: 2 };
    await repository.publishSnapshot(new Map([['targets.json', { version: 2 }]]));
    await assert.rejects(updaterOf(repository).targetInfo('x'), { code: 'HASH', algorithm: undefined });
  });
});

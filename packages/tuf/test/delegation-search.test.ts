import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Delegations,
  LimitError,
  MemoryMetadataStore,
  MissingMetadataError,
  UnsignedMetadataError,
  Updater,
} from '@holdfast/tuf';
import {
  delegate,
  delegateBins,
  emptyFile,
  key,
  NOW,
  type RoleInput,
  SHA256_OF_NOTHING,
  TestRepository,
} from './repository.ts';

const signer = await key();

/** Roles by name, with the names of their targets and what they delegate; all signed by one key. */
async function repositoryOf(
  roles: Readonly<
    Record<
      string,
      {
        targets?: readonly string[];
        roles?: readonly Partial<RoleInput & { name: string }>[];
        delegations?: Delegations;
      }
    >
  >,
): Promise<{ repository: TestRepository; updater: Updater }> {
  const repository = await TestRepository.create();
  for (const [name, role] of Object.entries(roles)) {
    const delegations =
      role.delegations ?? (role.roles && delegate(...role.roles.map((child) => ({ name: '', signer, ...child }))));
    repository.roles.set(name, {
      signers: name === 'targets' ? repository.signers.targets : [signer],
      targets: new Map((role.targets ?? []).map((path, index) => [path, emptyFile(index)])),
      ...(delegations === undefined ? {} : { delegations }),
    });
  }
  await repository.publish();
  const updater = new Updater({
    trustedRoot: repository.rootBytes,
    fetcher: repository,
    store: new MemoryMetadataStore(),
    clock: () => NOW,
  });
  await updater.refresh();
  repository.requests.length = 0;
  return { repository, updater };
}

const visited = (repository: TestRepository): readonly string[] =>
  repository.requests.map((path) => path.replace(/^\d+\.|\.json$/g, ''));

describe('the delegation search (§5.6.7)', () => {
  it('goes depth first, in the order of the list, also when names are numbers (§4.5, §5.6.7, tuf-js deviation 2)', async () => {
    const { repository, updater } = await repositoryOf({
      targets: { roles: [{ name: 'b' }, { name: '10' }, { name: 'a' }, { name: '9' }] },
      b: { roles: [{ name: '00' }, { name: 'b2' }] },
      '10': {},
      a: {},
      '9': { targets: ['x'] },
      '00': {},
      b2: {},
    });
    assert.deepEqual((await updater.targetInfo('x'))?.chain, ['targets', '9']);
    assert.deepEqual(visited(repository), ['b', '00', 'b2', '10', 'a', '9']);
  });

  it('stops behind a terminating delegation, wherever it stands (§4.5, §5.6.7.2.1, CVE-2025-2886)', async () => {
    const { repository, updater } = await repositoryOf({
      targets: { roles: [{ name: 'a' }, { name: 'b' }] },
      a: { roles: [{ name: 'a1', terminating: true, paths: ['x'] }, { name: 'a2' }] },
      a1: {},
      a2: { targets: ['x'] },
      b: { targets: ['x', 'y'] },
    });
    assert.equal(await updater.targetInfo('x'), undefined);
    assert.deepEqual(visited(repository), ['a', 'a1']);
    assert.deepEqual((await updater.targetInfo('y'))?.chain, ['targets', 'b']);
  });

  it('prefers the role that stands first, and the role above over its own delegations (§4.5, §5.6.7.2.2)', async () => {
    const { updater } = await repositoryOf({
      targets: { targets: ['top'], roles: [{ name: 'a' }, { name: 'b' }] },
      a: { targets: ['top', 'x'] },
      b: { targets: ['other', 'x'] },
    });
    assert.deepEqual((await updater.targetInfo('top'))?.chain, ['targets']);
    assert.deepEqual((await updater.targetInfo('x'))?.chain, ['targets', 'a']);
  });

  it('ends in cycles (§5.6.7.1)', async () => {
    const { repository, updater } = await repositoryOf({
      targets: { roles: [{ name: 'a' }] },
      a: { roles: [{ name: 'b' }, { name: 'a' }] },
      b: { roles: [{ name: 'a' }] },
    });
    assert.equal(await updater.targetInfo('x'), undefined);
    assert.deepEqual(visited(repository), ['a', 'b']);
  });

  it('does not let cycles use up the limit', async () => {
    const { updater } = await repositoryOf({
      targets: { roles: [{ name: 'a' }, { name: 'last' }] },
      a: { roles: [{ name: 'b' }, { name: 'a' }] },
      b: { roles: [{ name: 'a' }, { name: 'b' }] },
      last: { targets: ['x'] },
    });
    assert.deepEqual((await updater.targetInfo('x'))?.chain, ['targets', 'last']);
  });

  it('visits 32 delegated roles and never a 33rd (§5.6.7.1, tuf-js deviation 17)', async () => {
    const names = Array.from({ length: 33 }, (_, index) => `r${index}`);
    const roles = Object.fromEntries(names.map((name) => [name, { targets: [name] }]));
    const { updater } = await repositoryOf({ targets: { roles: names.map((name) => ({ name })) }, ...roles });
    assert.notEqual(await updater.targetInfo('r31'), undefined);
    assert.equal(await updater.targetInfo('r32'), undefined);
    await assert.rejects(updater.targetsIn(''), LimitError);
  });

  it('looks at a role only for paths that were delegated to it (§4.5)', async () => {
    const { repository, updater } = await repositoryOf({
      targets: { roles: [{ name: 'a', paths: ['a/*'] }] },
      a: { targets: ['b/x', 'a/x'] },
    });
    assert.equal(await updater.targetInfo('b/x'), undefined);
    assert.deepEqual(visited(repository), []);
    assert.notEqual(await updater.targetInfo('a/x'), undefined);
  });

  it('verifies a role again for every parent that delegates to it (§5.6.3)', async () => {
    const stranger = await key();
    const { updater } = await repositoryOf({
      targets: {
        roles: [
          { name: 'a', paths: ['*'] },
          { name: 'b', paths: ['*'] },
        ],
      },
      a: { roles: [{ name: 'shared', paths: ['via-a'] }] },
      b: { delegations: delegate({ name: 'shared', signer: stranger, paths: ['via-b'] }) },
      shared: { targets: ['via-a', 'via-b'] },
    });
    assert.deepEqual((await updater.targetInfo('via-a'))?.chain, ['targets', 'a', 'shared']);
    await assert.rejects(updater.targetInfo('via-b'), UnsignedMetadataError);
  });

  it('chooses by hexadecimal prefixes of the hash of the path (§4.5)', async () => {
    // SHA-256 of "x" begins 2d711642.
    const { updater } = await repositoryOf({
      targets: {
        delegations: {
          keys: new Map([[signer.key.keyid, signer.key]]),
          roles: ['2e', '2d71'].map((prefix) => ({
            name: prefix,
            keyids: [signer.key.keyid],
            threshold: 1,
            terminating: false,
            pathHashPrefixes: [prefix],
          })),
        },
      },
      '2e': { targets: ['x'] },
      '2d71': { targets: ['x', 'elsewhere'] },
    });
    assert.deepEqual((await updater.targetInfo('x'))?.chain, ['targets', '2d71']);
    assert.equal(await updater.targetInfo('elsewhere'), undefined);
  });

  it('chooses succinct bins by the first bits of the hash of the path, up to 32 bits (TAP 15)', async () => {
    for (const [bitLength, bin] of [
      [1, 'bin-0'],
      [4, 'bin-2'],
      [5, 'bin-05'],
      [10, 'bin-0b5'],
      [32, 'bin-2d711642'],
    ] as const) {
      const { updater } = await repositoryOf({
        targets: { delegations: delegateBins(signer, { bitLength, namePrefix: 'bin' }) },
        [bin]: { targets: ['x'] },
      });
      assert.deepEqual((await updater.targetInfo('x'))?.chain, ['targets', bin]);
    }
  });

  it('finds nothing under names that JavaScript objects have by nature (tuf-js deviation 7)', async () => {
    const { updater } = await repositoryOf({
      targets: { roles: [{ name: 'constructor', paths: ['constructor', '__proto__'] }] },
      constructor: { targets: ['constructor'] },
    });
    assert.deepEqual((await updater.targetInfo('constructor'))?.chain, ['targets', 'constructor']);
    assert.equal(await updater.targetInfo('__proto__'), undefined);
    assert.equal(await updater.targetInfo('toString'), undefined);
  });

  it('fetches roles with any name under an escaped path, and keeps them under a safe file name (tuf-js deviation 12)', async () => {
    const name = '../a/b?c#d%2e "é';
    const { repository, updater } = await repositoryOf({ targets: { roles: [{ name }] }, [name]: { targets: ['x'] } });
    assert.notEqual(await updater.targetInfo('x'), undefined);
    assert.deepEqual(repository.requests, [`2.${encodeURIComponent(name)}.json`]);
  });

  it('reports a role that is delegated to but not in the snapshot (tuf-js deviation 8)', async () => {
    const { updater } = await repositoryOf({ targets: { roles: [{ name: 'ghost' }] } });
    await assert.rejects(updater.targetInfo('x'), MissingMetadataError);
  });

  it('loads a role once for parallel searches, and again after a failure', async () => {
    const { repository, updater } = await repositoryOf({ targets: { roles: [{ name: 'a' }] }, a: { targets: ['x'] } });
    repository.unreachable = true;
    await assert.rejects(updater.targetInfo('x'));
    repository.unreachable = false;
    repository.requests.length = 0;
    await Promise.all([updater.targetInfo('x'), updater.targetInfo('y')]);
    assert.deepEqual(visited(repository), ['a']);
  });
});

describe('the listing of a directory', () => {
  it('is what a search for each name would answer, and reaches no role that cannot matter', async () => {
    const { repository, updater } = await repositoryOf({
      targets: {
        roles: [
          { name: 'claimed', paths: ['*/django/*.whl'], terminating: true },
          { name: 'unclaimed', paths: ['*/*/*'], terminating: true },
          { name: 'never' },
        ],
      },
      claimed: { targets: ['3f/django/a.whl', '3f/django/a.tar.gz'] },
      unclaimed: {
        targets: ['3f/django/a.whl', '3f/django/b.whl'],
        roles: [
          { name: 'unclaimed.3', paths: ['3*/*/*'], terminating: true },
          { name: 'unclaimed.4', paths: ['4*/*/*'], terminating: true },
        ],
      },
      'unclaimed.3': { targets: ['3f/django/c.tar.gz', '3f/django/sub/x', '3f/other/y'] },
      'unclaimed.4': {},
      never: {},
    });
    const listed = await updater.targetsIn('3f/django/');
    assert.deepEqual(
      listed.map(({ path, chain }) => [path, chain.at(-1)]),
      [
        ['3f/django/a.whl', 'claimed'],
        ['3f/django/c.tar.gz', 'unclaimed.3'],
      ],
    );
    assert.deepEqual(visited(repository), ['claimed', 'unclaimed', 'unclaimed.3']);
    assert.equal(listed[0]?.file.hashes.get('sha256'), SHA256_OF_NOTHING);
    assert.deepEqual(listed[0]?.keys, [signer.key.keyid]);
    assert.deepEqual(await updater.targetsIn('3f/nothing/'), []);
  });
});

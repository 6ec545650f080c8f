import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ExpiredError,
  MemoryMetadataStore,
  MissingMetadataError,
  revocationJson,
  RoleRevokedError,
  rotationJson,
  rotationMeta,
  rotationPath,
  type Signer,
  signMetadata,
  Updater,
} from '@holdfast/tuf';
import { delegate, emptyFile, key, later, NOW, TestRepository } from './repository.ts';

const [a, b, c] = await Promise.all([key(), key(), key()]);

/** `targets` → `foo` → `foo.windows`, which answers for `d/*.whl`. */
async function repositoryOf(windows: Partial<{ expires: Date; absent: boolean }> = {}): Promise<TestRepository> {
  const repository = await TestRepository.create();
  repository.roles.set('targets', {
    signers: repository.signers.targets,
    delegations: delegate({ name: 'foo', signer: a, paths: ['d/*'], terminating: true }),
  });
  repository.roles.set('foo', {
    signers: [a],
    targets: new Map([['d/x.tar.gz', emptyFile()]]),
    delegations: delegate({ name: 'foo.windows', signer: b, paths: ['d/*.whl'] }),
  });
  if (windows.absent !== true)
    repository.roles.set('foo.windows', {
      signers: [b],
      targets: new Map([['d/x.whl', emptyFile()]]),
      expires: windows.expires ?? later(90),
    });
  await repository.publish();
  return repository;
}

function updaterOf(repository: TestRepository): Updater {
  const mayBeUnsigned = (role: string): boolean => role.startsWith('foo.');
  const options = { fetcher: repository, store: new MemoryMetadataStore(), clock: () => NOW, mayBeUnsigned };
  return new Updater({ trustedRoot: repository.rootBytes, ...options });
}

async function change(repository: TestRepository, bytes: Uint8Array): Promise<void> {
  repository.files.set(rotationPath('foo', 1), bytes);
  repository.extraMeta.set(...(await rotationMeta(bytes)));
  await repository.publish();
}

const rotate = async (keys: readonly Signer[], by: readonly Signer[]) =>
  signMetadata(rotationJson({ role: 'foo', version: 1, keys: keys.map(({ key }) => key), threshold: 2 }), by);

describe('the roles on the way to a directory', () => {
  it('come in the order of the search, each with its content, its keys and who signed', async () => {
    const { roles, timestampVersion } = await updaterOf(await repositoryOf()).rolesIn('d/');
    assert.deepEqual(
      roles.map(({ role, parent }) => [role, parent]),
      [
        ['targets', 'root'],
        ['foo', 'targets'],
        ['foo.windows', 'foo'],
      ],
    );
    assert.equal(timestampVersion, 2);
    const windows = roles[2] ?? assert.fail();
    assert.deepEqual(windows.chain, ['targets', 'foo', 'foo.windows']);
    assert.deepEqual([...windows.holders.keys.keys()], [b.key.keyid]);
    assert.deepEqual(windows.verified?.keyids, [b.key.keyid]);
    assert.deepEqual([...(windows.verified?.metadata.signed.targets.keys() ?? [])], ['d/x.whl']);
  });

  it('have the keys that rotate files gave them (TAP 8)', async () => {
    const repository = await repositoryOf();
    repository.roles.set('foo', { signers: [b, c] });
    await change(repository, await rotate([b, c], [a]));
    const foo = (await updaterOf(repository).rolesIn('d/')).roles[1] ?? assert.fail();
    assert.deepEqual(new Set(foo.holders.roleKeys.keyids), new Set([b.key.keyid, c.key.keyid]));
    assert.deepEqual([foo.holders.roleKeys.threshold, foo.holders.version], [2, 1]);
  });

  it('show a role that was revoked, that expired or that nobody signed, and why it does not count', async () => {
    const revoked = await repositoryOf();
    await change(revoked, await signMetadata(revocationJson({ role: 'foo', version: 1 }), [a]));
    const [, foo] = (await updaterOf(revoked).rolesIn('d/')).roles;
    assert.ok(foo?.refused instanceof RoleRevokedError && foo.holders.revoked && foo.verified === undefined);
    revoked.roles.delete('foo');
    await revoked.publish();
    const [, withdrawn] = (await updaterOf(revoked).rolesIn('d/')).roles;
    assert.ok(withdrawn?.refused instanceof RoleRevokedError && withdrawn.holders.revoked, 'withdrawn, not missing');

    const expired = (await updaterOf(await repositoryOf({ expires: later(-1) })).rolesIn('d/')).roles;
    assert.deepEqual([expired.length, expired[1]?.refused], [3, undefined]);
    assert.ok(expired[2]?.refused instanceof ExpiredError && expired[2].verified === undefined);

    const absent = (await updaterOf(await repositoryOf({ absent: true })).rolesIn('d/')).roles;
    assert.ok(absent[2]?.refused instanceof MissingMetadataError);
    assert.deepEqual([...absent[2].holders.keys.keys()], [b.key.keyid]);
  });

  it('are not made up where the timestamp has expired', async () => {
    const repository = await repositoryOf();
    repository.expires.timestamp = later(-1);
    await repository.publish();
    await assert.rejects(updaterOf(repository).rolesIn('d/'), ExpiredError);
    await assert.rejects(updaterOf(repository).rolesIn('d'), RangeError);
  });
});

describe('a role that was delegated to and that nobody has signed yet', () => {
  it('does not hide what its parent lists, and nothing is found in its place', async () => {
    const repository = await repositoryOf({ absent: true });
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      delegations: delegate({ name: 'foo', signer: a, paths: ['d/*'] }, { name: 'late', signer: c, paths: ['d/*'] }),
    });
    repository.roles.set('late', { signers: [c], targets: new Map([['d/late.tar.gz', emptyFile()]]) });
    await repository.publish();
    const listed = await updaterOf(repository).targetsIn('d/');
    assert.deepEqual(listed.map(({ path }) => path).sort(), ['d/late.tar.gz', 'd/x.tar.gz']);
    repository.roles.set('late', { signers: [c], targets: new Map([['d/x.whl', emptyFile()]]) });
    await repository.publish();
    await assert.rejects(updaterOf(repository).targetsIn('d/'), MissingMetadataError);
    await assert.rejects(updaterOf(repository).targetInfo('d/x.whl'), MissingMetadataError);
  });

  it('fails the listing where such a role is not to be missing', async () => {
    const repository = await repositoryOf();
    repository.roles.delete('foo');
    await repository.publish();
    await assert.rejects(updaterOf(repository).targetsIn('d/'), MissingMetadataError);
    await assert.rejects(updaterOf(repository).targetInfo('d/x.tar.gz'), MissingMetadataError);
  });
});

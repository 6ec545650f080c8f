import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type JsonObject,
  MemoryMetadataStore,
  type MembersCheck,
  rotationJson,
  rotationMeta,
  rotationPath,
  signMetadata,
  TufError,
} from '@holdfast/tuf';
import { delegate, emptyFile, key, TestRepository } from './repository.ts';
import { updaterOf } from './updater.ts';

class ForeignError extends TufError {
  readonly code = 'FOREIGN';
}

const mark = (text: string): JsonObject => new Map([['mark', text]]);
const refusing =
  (unwanted: string): MembersCheck =>
  (name, members) => {
    if (members.get('mark') === unwanted) throw new ForeignError(name);
  };
const [a, b] = await Promise.all([key(), key()]);

/** Every kind of metadata that is asked about has a mark of its own. */
async function marked(): Promise<TestRepository> {
  const repository = await TestRepository.create();
  repository.extra = mark('root');
  await repository.publishRoot();
  const rotation = new Map([
    ...rotationJson({ role: 'foo', version: 1, threshold: 1, keys: [b.key] }),
    ...mark('rotation'),
  ]);
  const bytes = await signMetadata(rotation, [a]);
  repository.files.set(rotationPath('foo', 1), bytes);
  repository.extraMeta.set(...(await rotationMeta(bytes)));
  const { targets } = repository.signers;
  repository.roles.set('targets', {
    signers: targets,
    delegations: delegate({ name: 'foo', signer: a }),
    extra: mark('targets'),
  });
  repository.roles.set('foo', { signers: [b], targets: new Map([['x', emptyFile()]]), extra: mark('role') });
  await repository.publish();
  return repository;
}

describe('what only the users of a repository can refuse', () => {
  const files = new Map([
    ['root', 'root'],
    ['targets', 'targets'],
    ['rotation', 'foo.rotate.1'],
    ['role', 'foo'],
  ]);
  for (const [unwanted, name] of files) {
    it(`is asked about members of a ${unwanted} that the specification does not know`, async () => {
      const repository = await marked();
      const store = new MemoryMetadataStore();
      const refused = updaterOf(repository, { store, checkMembers: refusing(unwanted) });
      await assert.rejects(refused.targetInfo('x'), { code: 'FOREIGN', message: name });
      const kept = { root: 'root.2', targets: 'targets.json', rotation: 'rotate/foo.rotate.1.json', role: 'foo.json' };
      assert.equal(await store.read(kept[unwanted as keyof typeof kept]), undefined, 'it is not kept');
      assert.notEqual(await updaterOf(repository, { store }).targetInfo('x'), undefined, 'nothing of it stays');
    });
  }

  it('is asked again about what was kept', async () => {
    const repository = await marked();
    const store = new MemoryMetadataStore();
    await updaterOf(repository, { store }).targetInfo('x');
    for (const [unwanted, message] of files) {
      const refused = updaterOf(repository, { store, checkMembers: refusing(unwanted) });
      await assert.rejects(refused.targetInfo('x'), { code: 'FOREIGN', message });
    }
  });

  it('is asked about nothing that its keys did not sign', async () => {
    const repository = await marked();
    repository.roles.set('foo', { signers: [a], targets: new Map(), extra: mark('role') });
    await repository.publish();
    const names: string[] = [];
    const client = updaterOf(repository, { checkMembers: (name) => void names.push(name) });
    await assert.rejects(client.targetInfo('x'), { code: 'UNSIGNED' });
    assert.deepEqual(names, ['root', 'targets', 'foo.rotate.1']);
  });
});

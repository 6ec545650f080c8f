import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Draft,
  FormatError,
  MemoryMetadataStore,
  MissingSignaturesError,
  NotDelegatedError,
  OutdatedProposalError,
  Proposal,
  revocationJson,
  RoleRevokedError,
  rotationJson,
  type Signer,
  signMetadata,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { emptyFile, later } from './repository.ts';
import { by, make, reader, text } from './served.ts';

describe('a delegated role that changes its own keys (TAP 8)', () => {
  async function delegated() {
    const { keys, storage, root, reopen } = await make();
    const [old, fresh] = [await generateKey('ed25519'), await generateKey('ed25519')];
    const open = (...more: Signer[]) => reopen([...Object.values(keys), ...more]);
    await (await open(old)).update(async (draft) => {
      draft.targets.delegate({ name: 'role', ...by(old), paths: ['r/*'] });
      await (await draft.targets.role('role')).addTarget('r/a', emptyFile(7));
    });
    return { keys, storage, root, old, fresh, open };
  }

  const rotation = (version: number, to: Signer, ...signers: readonly Signer[]) =>
    signMetadata(rotationJson({ role: 'role', version, keys: [to.key], threshold: 1 }), signers);

  it('is published with its rotate file, and signed by the new keys, while its parent stays as it is', async () => {
    const { storage, root, old, fresh, open } = await delegated();
    const file = await rotation(1, fresh, old);
    const published = await (await open(fresh)).update(async (draft) =>
      (await draft.targets.role('role')).rotate(file),
    );
    const versions = { 'rotate/role.rotate.1': 1, role: 2, snapshot: 3, timestamp: 3 };
    assert.deepEqual(Object.fromEntries(published), versions);
    const store = new MemoryMetadataStore();
    assert.deepEqual((await reader(storage, root, { store }).targetInfo('r/a'))?.keys, [fresh.key.keyid]);
    // From now on the new key signs, also where somebody opens the repository anew, and the old one does not.
    const edit = async (draft: Draft) => (await draft.targets.role('role')).addTarget('r/b', emptyFile());
    await assert.rejects((await open(old)).update(edit), new RegExp(`role needs 1 more, by ${fresh.key.keyid}`));
    await (await open(fresh)).update(edit);
    assert.notEqual(await reader(storage, root, { store }).targetInfo('r/b'), undefined);
    const third = await generateKey('ed25519');
    const next = await rotation(2, third, fresh);
    const repository = await open(third);
    await repository.update(async (draft) => (await draft.targets.role('role')).rotate(next));
    assert.deepEqual((await reader(storage, root, { store }).targetInfo('r/b'))?.keys, [third.key.keyid]);
    const { published: renewed } = await repository.renew({ before: later(100) });
    assert.equal(renewed.get('role'), 5);
    await repository.sweep({ grace: 0 });
    await repository.sweep({ grace: 0 });
    assert.notEqual(await reader(storage, root).targetInfo('r/b'), undefined);
  });

  it('travels in a proposal until the keys before it have signed the rotate file', async () => {
    const { storage, root, old, fresh, open } = await delegated();
    const repository = await open();
    const file = await rotation(1, fresh, fresh);
    const proposal = await repository.propose(async (draft) => (await draft.targets.role('role')).rotate(file));
    await assert.rejects(repository.publish(await proposal.sign([fresh])), (error) => {
      assert.ok(error instanceof MissingSignaturesError);
      assert.deepEqual(
        error.missing.map(({ role, keyids }) => [role, keyids]),
        [['rotate/role.rotate.1', [old.key.keyid]]],
      );
      return true;
    });
    await repository.publish(await (await Proposal.parse(proposal.encode()).sign([fresh])).sign([old]));
    assert.deepEqual((await reader(storage, root).targetInfo('r/a'))?.keys, [fresh.key.keyid]);
    await assert.rejects(repository.publish(await proposal.sign([old])), OutdatedProposalError);
    const renamed = new TextDecoder().decode(proposal.encode()).replaceAll('rotate.1"', 'rotate.2"');
    await assert.rejects(repository.publish(Proposal.parse(text(renamed))), NotDelegatedError);
  });

  it('is revoked by itself (TAP 20): it cannot be edited, and upkeep passes it by', async () => {
    const { storage, root, old, open } = await delegated();
    const file = await signMetadata(revocationJson({ role: 'role', version: 1 }), [old]);
    const repository = await open(old);
    const published = await repository.update(async (draft) => (await draft.targets.role('role')).rotate(file));
    assert.deepEqual([...published.keys()], ['rotate/role.rotate.1', 'snapshot', 'timestamp']);
    await assert.rejects(reader(storage, root).targetInfo('r/a'), RoleRevokedError);
    const edit = async (draft: Draft) => (await draft.targets.role('role')).addTarget('r/b', emptyFile());
    await assert.rejects(repository.update(edit), RoleRevokedError);
    const { published: renewed, unsigned } = await repository.renew({ before: later(1000) });
    assert.deepEqual([renewed.has('role'), unsigned], [false, []]);
    await reader(storage, root).refresh();
  });

  it('takes a rotate file for this role only, and no role by the name of one', async () => {
    const { old, fresh, open } = await delegated();
    const file = await rotation(1, fresh, old);
    await (await open()).update((draft) => {
      assert.throws(() => draft.targets.rotate(file), FormatError);
      const name = 'rotate/role.rotate.1';
      assert.throws(() => draft.targets.delegate({ name, ...by(old), paths: ['*'] }), FormatError);
    });
  });
});

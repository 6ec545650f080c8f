import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addSignature,
  canonicalize,
  FormatError,
  MemoryRepositoryStorage,
  type MissingSignatures,
  MissingSignaturesError,
  OutdatedProposalError,
  parseJson,
  parseTargets,
  Proposal,
  Repository,
  type Signer,
} from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import { DAY_MS, emptyFile, later, NOW } from './repository.ts';
import { by, CountingStorage, make, makeKeys, reader, text } from './served.ts';

const threshold = (count: number, ...signers: readonly Signer[]) => ({ ...by(...signers), threshold: count });

/** Root needs two of three holders and targets both of two; snapshot and timestamp are signed by a machine. */
async function makeOffline() {
  const storage = new CountingStorage();
  const keys = await makeKeys();
  const holders = await Promise.all(
    (['ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ed25519', 'ed25519'] as const).map(generateKey),
  );
  const [a, b, c, d, e] = holders as [LocalSigner, LocalSigner, LocalSigner, LocalSigner, LocalSigner];
  const online = [keys.snapshot, keys.timestamp];
  const roles = {
    root: threshold(2, a, b, c),
    targets: threshold(2, d, e),
    snapshot: by(keys.snapshot),
    timestamp: by(keys.timestamp),
  };
  await Repository.create({ storage, clock: () => NOW, signers: [...online, a, b, d, e], roles });
  const root = (await storage.read('metadata/1.root.json')) ?? text('');
  const open = (signers: readonly Signer[] = online, now = NOW) =>
    Repository.open({ storage, clock: () => now, signers, trustedRoot: root });
  return { storage, keys, a, b, c, d, e, root, open, roles, online };
}

/** What a holder does: gets bytes, signs, sends bytes back. */
async function signedBy(bytes: Uint8Array, ...holders: readonly Signer[]): Promise<Uint8Array> {
  return (await Proposal.parse(bytes).sign(holders)).encode();
}

async function missingOf(publishing: Promise<unknown>): Promise<readonly MissingSignatures[]> {
  let missing: readonly MissingSignatures[] = [];
  await assert.rejects(publishing, (error) => {
    assert.ok(error instanceof MissingSignaturesError);
    missing = error.missing;
    return true;
  });
  return missing;
}

describe('signatures gathered from holders who never meet', () => {
  it('publishes once the threshold is reached, in whatever order they sign, one after the other', async () => {
    for (const order of ['de', 'ed'] as const) {
      const scene = await makeOffline();
      const repository = await scene.open();
      const proposal = await repository.propose((draft) => draft.targets.addTarget('a', emptyFile()));
      let bytes = proposal.encode();
      for (const holder of order) bytes = await signedBy(bytes, holder === 'd' ? scene.d : scene.e);
      const published = await repository.publish(Proposal.parse(bytes));
      assert.deepEqual(Object.fromEntries(published), { targets: 2, snapshot: 2, timestamp: 2 });
      assert.notEqual(await reader(scene.storage, scene.root).targetInfo('a'), undefined);
    }
  });

  it('merges copies that were signed apart', async () => {
    const { open, d, e, storage, root } = await makeOffline();
    const repository = await open();
    const bytes = (await repository.propose((draft) => draft.targets.addTarget('a', emptyFile()))).encode();
    const [one, other] = [Proposal.parse(await signedBy(bytes, d)), Proposal.parse(await signedBy(bytes, e))];
    await repository.publish(one.merge(other));
    assert.notEqual(await reader(storage, root).targetInfo('a'), undefined);
    const different = await repository.propose((draft) => draft.targets.addTarget('b', emptyFile()));
    assert.throws(() => different.merge(one), FormatError);
  });

  it('takes files that a holder signed with addSignature alone, or with another tool', async () => {
    const { open, d, e, storage, root } = await makeOffline();
    const repository = await open();
    let proposal = await repository.propose((draft) => draft.targets.addTarget('a', emptyFile()));
    for (const holder of [e, d]) {
      const file = proposal.roles.get('targets')?.metadata ?? text('');
      proposal = proposal.withSigned('targets', await addSignature(file, holder));
    }
    await repository.publish(proposal);
    assert.notEqual(await reader(storage, root).targetInfo('a'), undefined);
  });

  it('gives every holder the same bytes to sign', async () => {
    const { open, d, e } = await makeOffline();
    const seen: string[] = [];
    const watching = (signer: Signer): Signer => ({
      key: signer.key,
      sign: (data) => {
        seen.push(Buffer.from(data).toString());
        return signer.sign(data);
      },
    });
    const proposal = await (await open()).propose((draft) => draft.targets.addTarget('ü', emptyFile()));
    const bytes = await signedBy(await signedBy(proposal.encode(), watching(e)), watching(d));
    const { signedBytes } = parseTargets(Proposal.parse(bytes).roles.get('targets')?.metadata ?? text(''));
    assert.deepEqual(new Set(seen), new Set([Buffer.from(canonicalize(parseJson(signedBytes))).toString()]));
    assert.equal(seen.length, 2);
  });

  it('never publishes half signed, and says which keys are missing', async () => {
    const { open, d, e, storage } = await makeOffline();
    const repository = await open();
    storage.forget();
    const none = await missingOf(repository.update((draft) => draft.targets.addTarget('a', emptyFile())));
    const keyids = [d.key.keyid, e.key.keyid];
    assert.deepEqual(none, [{ role: 'targets', threshold: 2, valid: 0, keyids }]);
    const proposal = await repository.propose((draft) => draft.targets.addTarget('a', emptyFile()));
    const half = repository.publish(Proposal.parse(await signedBy(proposal.encode(), d)));
    const [missing] = await missingOf(half);
    assert.deepEqual(missing, { role: 'targets', threshold: 2, valid: 1, keyids: [e.key.keyid] });
    await assert.rejects(half, new RegExp(`targets needs 1 more, by ${e.key.keyid}`));
    assert.deepEqual(storage.writes, []);
  });

  it('counts no signature by a key of another role, nor one over other content', async () => {
    const { open, d, e, a, storage } = await makeOffline();
    const repository = await open();
    const proposal = await repository.propose((draft) => draft.targets.addTarget('a', emptyFile()));
    const other = await repository.propose((draft) => draft.targets.addTarget('b', emptyFile()));
    const targets = proposal.roles.get('targets');
    const forged = parseTargets((await other.sign([e])).roles.get('targets')?.metadata ?? text('')).signatures;
    assert.ok(targets !== undefined);
    const signed = await addSignature(await addSignature(targets.metadata, d), a);
    const file = new TextDecoder().decode(signed);
    const swapped = file.replace('"signatures":[', `"signatures":[${JSON.stringify(forged[0])},`);
    const missing = await missingOf(repository.publish(proposal.withSigned('targets', Buffer.from(swapped))));
    assert.deepEqual(missing, [{ role: 'targets', threshold: 2, valid: 1, keyids: [e.key.keyid] }]);
    assert.equal((await storage.list('metadata')).length, 4);
  });

  it('asks for the old and the new threshold of a root that changes its holders (§5.3.4)', async () => {
    const { open, a, b, c, storage, root } = await makeOffline();
    const [x, y] = [await generateKey('ed25519'), await generateKey('ed25519')];
    const repository = await open();
    const proposal = await repository.propose((draft) => draft.root.setKeys('root', by(x, y)));
    const roles = (await missingOf(repository.publish(proposal))).map(({ role, keyids }) => [role, keyids.length]);
    assert.deepEqual(roles, [
      ['root', 3],
      ['root', 2],
    ]);
    const byNew = Proposal.parse(await signedBy(proposal.encode(), x, y));
    assert.deepEqual(
      (await missingOf(repository.publish(byNew))).map(({ keyids }) => keyids),
      [[a, b, c].map(({ key }) => key.keyid)],
    );
    const published = await repository.publish(await byNew.sign([c, a]));
    assert.deepEqual(Object.fromEntries(published), { root: 2 });
    assert.equal((await reader(storage, root).refresh()).rootVersion, 2);
  });

  it('creates a repository whose first root is signed by holders who never meet', async () => {
    const { roles, a, c, d, e, online } = await makeOffline();
    const storage = new MemoryRepositoryStorage();
    const repository = Repository.empty({ storage, clock: () => NOW, signers: online });
    const proposal = await repository.propose((draft) => {
      for (const [role, keySet] of Object.entries(roles)) draft.root.setKeys(role as keyof typeof roles, keySet);
    });
    let bytes = proposal.encode();
    for (const holder of [c, d, e]) bytes = await signedBy(bytes, holder);
    assert.equal((await missingOf(repository.publish(Proposal.parse(bytes))))[0]?.role, 'root');
    assert.deepEqual(await storage.list('metadata'), []);
    await repository.publish(Proposal.parse(await signedBy(bytes, a)));
    assert.equal((await reader(storage, repository.root).refresh()).targetsVersion, 1);
  });

  it('lets the machine publish on while a proposal travels, and refuses one that was overtaken', async () => {
    const { open, a, b, d, e, storage, root } = await makeOffline();
    const online = await open();
    const first = await online.propose((draft) => draft.targets.addTarget('a', emptyFile()));
    const second = await online.propose((draft) => draft.targets.addTarget('b', emptyFile()));
    assert.equal((await online.renew({ before: later(2) })).published.get('timestamp'), 2);
    await online.publish(await first.sign([d, e]));
    await assert.rejects(
      online.publish(await second.sign([d, e])),
      (error) => error instanceof OutdatedProposalError && error.role === 'targets' && error.current === 2,
    );
    await assert.rejects(online.publish(await first.sign([d, e])), OutdatedProposalError);
    const rootAlone = await online.propose((draft) => draft.root.setExpires(later(500)));
    await online.publish(await rootAlone.sign([a, b]));
    const client = reader(storage, root);
    assert.equal(await client.targetInfo('b'), undefined);
    assert.equal((await client.refresh()).rootVersion, 2);
  });

  it('refuses a proposal that expired on its way', async () => {
    const { open, d, e } = await makeOffline();
    const proposal = await (await open()).propose((draft) => draft.targets.setExpires(later(30)));
    const late = await open(undefined, new Date(NOW.getTime() + 31 * DAY_MS));
    await assert.rejects(late.publish(await proposal.sign([d, e])), { code: 'EXPIRED', role: 'targets' });
  });

  it('gathers snapshot and timestamp too where their keys are elsewhere, each when what it names is signed', async () => {
    const { open, d, e, keys, storage, root } = await makeOffline();
    const nobody = await open([]);
    let proposal = await nobody.propose((draft) => {
      draft.snapshot.setExpires(later(3));
      return draft.targets.addTarget('a', emptyFile());
    });
    for (const [role, holder] of [
      ['targets', d],
      ['targets', e],
      ['snapshot', keys.snapshot],
      ['timestamp', keys.timestamp],
    ] as const) {
      let advanced: Uint8Array | undefined;
      await assert.rejects(nobody.publish(proposal), (error) => {
        assert.ok(error instanceof MissingSignaturesError);
        assert.deepEqual(
          error.missing.map((missing) => missing.role),
          [role],
        );
        advanced = error.proposal;
        return true;
      });
      proposal = Proposal.parse(await signedBy(advanced ?? text(''), holder));
    }
    await nobody.publish(proposal);
    const client = reader(storage, root, { now: later(4) });
    await assert.rejects(client.refresh(), { code: 'EXPIRED', role: 'timestamp' });
    assert.notEqual(await reader(storage, root).targetInfo('a'), undefined);
  });

  it('waits for a delegated role whose holder is elsewhere, and looks at the delegation as it is published', async () => {
    const { keys, storage, root, reopen } = await make();
    const holder = await generateKey('ed25519');
    const repository = await reopen();
    const proposal = await repository.propose(async (draft) => {
      draft.targets.delegate({ name: 'theirs', ...by(holder), paths: ['t/*'] });
      await (await draft.targets.role('theirs')).addTarget('t/x', emptyFile());
    });
    assert.deepEqual([...proposal.roles.keys()], ['targets', 'theirs']);
    assert.deepEqual((await missingOf(repository.publish(proposal)))[0]?.keyids, [holder.key.keyid]);
    await repository.publish(Proposal.parse(await signedBy(proposal.encode(), holder)));
    assert.notEqual(await reader(storage, root).targetInfo('t/x'), undefined);
    // Meanwhile somebody else gets the role: what its former holder signs is no use any more.
    const late = await repository.propose(async (draft) =>
      (await draft.targets.role('theirs')).addTarget('t/y', emptyFile()),
    );
    await repository.update((draft) => draft.targets.delegate({ name: 'theirs', ...by(keys.targets), paths: ['t/*'] }));
    await assert.rejects(repository.publish(await late.sign([holder])), OutdatedProposalError);
  });

  it('refuses a proposal that was tampered with on its way', async () => {
    const { open, d, e } = await makeOffline();
    const repository = await open();
    const signed = await (await repository.propose((draft) => draft.targets.addTarget('a', emptyFile()))).sign([d, e]);
    const tampered = new TextDecoder().decode(signed.encode()).replace('"a":{', '"b":{');
    const [missing] = await missingOf(repository.publish(Proposal.parse(text(tampered))));
    assert.equal(missing?.valid, 0);
    const older = new TextDecoder().decode(signed.encode()).replace('"replaces":1', '"replaces":0');
    await assert.rejects(repository.publish(Proposal.parse(text(older))), OutdatedProposalError);
    for (const broken of ['{}', '{"format":"holdfast-tuf-proposal-1"}', 'x'])
      assert.throws(() => Proposal.parse(text(broken)), FormatError);
  });
});

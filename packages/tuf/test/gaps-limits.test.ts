import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type MetaFile,
  parseTargets,
  rootJson,
  signMetadata,
  type TargetFile,
  targetsJson,
  verifySignatures,
} from '@holdfast/tuf';
import { emptyFile, key, later, TestRepository } from './repository.ts';
import { updaterOf } from './updater.ts';

describe('what the public client test suite leaves out: large repositories', () => {
  it('takes a snapshot of more than 2 MB', async () => {
    const repository = await TestRepository.create();
    const meta = new Map<string, MetaFile>([['targets.json', { version: 1 }]]);
    for (let bin = 0; bin < 60_000; bin++) meta.set(`bins-of-some-name-${bin.toString(16)}.json`, { version: 1 });
    repository.versions = { ...repository.versions, snapshot: 2, timestamp: 2 };
    await repository.publishSnapshot(meta);
    assert.ok(repository.file('2.snapshot.json').length > 2_000_000);
    assert.equal((await updaterOf(repository).refresh()).snapshotVersion, 2);
  });

  it('follows 256 root versions in one refresh and the 257th in the next (§5.3.3)', async () => {
    const repository = await TestRepository.create();
    const [signer] = repository.signers.root;
    assert.ok(signer !== undefined);
    const keys = { keyids: [signer.key.keyid], threshold: 1 };
    const online = { keyids: repository.signers.timestamp.map(({ key }) => key.keyid), threshold: 1 };
    const snapshot = { keyids: repository.signers.snapshot.map(({ key }) => key.keyid), threshold: 1 };
    const targets = { keyids: repository.signers.targets.map(({ key }) => key.keyid), threshold: 1 };
    for (let version = 2; version <= 258; version++) {
      const root = rootJson({
        version,
        expires: later(365),
        consistentSnapshot: true,
        keys: Object.values(repository.signers).flatMap((signers) => signers.map(({ key }) => key)),
        roles: { root: keys, timestamp: online, snapshot, targets },
      });
      repository.files.set(`${version}.root.json`, await signMetadata(root, [signer]));
    }
    const updater = updaterOf(repository);
    assert.equal((await updater.refresh()).rootVersion, 257);
    assert.equal((await updater.refresh()).rootVersion, 258);
  });

  it('verifies 10 000 targets under ten keys in time that ten verifications explain (tuf-js deviation 1)', async () => {
    const targets = new Map<string, TargetFile>();
    for (let index = 0; index < 10_000; index++) targets.set(`packages/${index}/name-${index}.whl`, emptyFile(index));
    const signers = await Promise.all(Array.from({ length: 10 }, () => key()));
    const signed = targetsJson({ version: 1, expires: later(1), targets });
    const canonical = await signMetadata(signed, signers);
    // An indented copy has to be brought into canonical form first: once, not once for each key.
    const indented = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(canonical).toString()), undefined, 1));
    for (const bytes of [canonical, indented]) {
      const began = performance.now();
      const metadata = parseTargets(bytes);
      const keys = new Map(signers.map(({ key }) => [key.keyid, key]));
      const valid = await verifySignatures(metadata, keys, { keyids: [...keys.keys()], threshold: 10 });
      assert.equal(valid, 10);
      // tuf-js takes more than 40 s for one key.
      assert.ok(performance.now() - began < 5000);
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  MemoryMetadataStore,
  revocationJson,
  rotationJson,
  rotationMeta,
  rotationPath,
  type Signer,
  signMetadata,
  Updater,
} from '@holdfast/tuf';
import { Peer, PEER_NAMES } from './peers/peer.ts';
import { DAY_MS, delegate, emptyFile, key, TestRepository } from './repository.ts';

const soon = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const [before, after] = await Promise.all([key(), key()]);
const PATHS = ['foo.txt', 'bar.txt'];

/** `foo` rotates from one key to the other, or revokes itself; `bar` stays as it is. */
async function repositoryOf(signers: readonly Signer[], change: 'rotation' | 'revocation'): Promise<TestRepository> {
  const repository = await TestRepository.create();
  repository.expires = { root: soon(365), timestamp: soon(1), snapshot: soon(7) };
  repository.roles.set('targets', {
    signers: repository.signers.targets,
    expires: soon(90),
    delegations: delegate(
      { name: 'foo', signer: before, paths: ['foo.txt'] },
      { name: 'bar', signer: before, paths: ['bar.txt'] },
    ),
  });
  repository.roles.set('foo', { signers, expires: soon(90), targets: new Map([['foo.txt', emptyFile()]]) });
  repository.roles.set('bar', { signers: [before], expires: soon(90), targets: new Map([['bar.txt', emptyFile()]]) });
  const which = { role: 'foo', version: 1 };
  const signed =
    change === 'rotation' ? rotationJson({ ...which, keys: [after.key], threshold: 1 }) : revocationJson(which);
  const bytes = await signMetadata(signed, [before]);
  repository.files.set(rotationPath('foo', 1), bytes);
  repository.extraMeta.set(...(await rotationMeta(bytes)));
  await repository.publishRoot();
  await repository.publish();
  return repository;
}

/** Which of the paths a client that does not know TAP 8 finds. */
async function foundBy(peer: Peer, repository: TestRepository): Promise<readonly string[]> {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const files = Object.fromEntries(Array.from(repository.files, ([path, bytes]) => [path, base64(bytes)]));
  const trusted = base64(repository.file('2.root.json'));
  const { steps } = await peer.ask({ op: 'case', trusted, steps: [{ files, lookups: PATHS }] });
  assert.equal(steps[0]?.refused, undefined);
  return PATHS.filter((_, index) => steps[0]?.lookups[index]?.length !== undefined);
}

async function foundByUs(repository: TestRepository): Promise<readonly string[]> {
  const updater = new Updater({
    trustedRoot: repository.file('2.root.json'),
    fetcher: repository,
    store: new MemoryMetadataStore(),
    clock: () => new Date(),
  });
  const answers = await Promise.allSettled(PATHS.map((path) => updater.targetInfo(path)));
  return PATHS.filter((_, index) => answers[index]?.status === 'fulfilled');
}

describe('clients that do not know TAP 8', () => {
  for (const name of PEER_NAMES) {
    it(`read, with ${name}, every other role beside one that has rotated its keys, and that one while it signs with both`, async () => {
      const peer = Peer.start(name);
      try {
        const both = await repositoryOf([before, after], 'rotation');
        assert.deepEqual([await foundByUs(both), await foundBy(peer, both)], [PATHS, PATHS]);
        const rotated = await repositoryOf([after], 'rotation');
        assert.deepEqual([await foundByUs(rotated), await foundBy(peer, rotated)], [PATHS, ['bar.txt']]);
        // What a revocation is for, they do not see.
        const revoked = await repositoryOf([before], 'revocation');
        assert.deepEqual([await foundByUs(revoked), await foundBy(peer, revoked)], [['bar.txt'], PATHS]);
      } finally {
        await peer.stop();
      }
    });
  }
});

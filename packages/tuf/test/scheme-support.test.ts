import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { MemoryMetadataStore, publicKeyFromSpki, Updater } from '@holdfast/tuf';
import { generateExperimentalKey, generateKey, type LocalScheme, type LocalSigner } from '@holdfast/tuf/node';
import { DAY_MS, TestRepository } from './repository.ts';
import { Peer, PEER_NAMES } from './peers/peer.ts';

const LOCAL: readonly LocalScheme[] = [
  'ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'rsassa-pss-sha256',
  'rsassa-pss-sha384',
  'rsassa-pss-sha512',
];
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

async function pkcs1v15(privateKey: KeyObject, hash: string): Promise<LocalSigner> {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const key = await publicKeyFromSpki(spki, `rsa-pkcs1v15-${hash}`);
  return { key, privateKey, sign: async (data) => sign(hash, data, privateKey) };
}

const signers = await Promise.all([
  ...LOCAL.map(generateKey),
  ...['sha256', 'sha384', 'sha512'].map((hash) => pkcs1v15(rsa, hash)),
  generateExperimentalKey('ml-dsa-44/1'),
]);

/** A repository whose timestamp is signed by that key, and expires by the clock that the other clients have. */
async function repositoryOf(signer: LocalSigner): Promise<TestRepository> {
  const soon = new Date(Date.now() + DAY_MS);
  const repository = await TestRepository.create();
  repository.expires = { root: soon, timestamp: soon, snapshot: soon };
  repository.roles.set('targets', { signers: repository.signers.targets, expires: soon });
  repository.signers = { ...repository.signers, timestamp: [signer] };
  await repository.publishRoot();
  await repository.publish();
  return repository;
}

async function weRead(repository: TestRepository): Promise<boolean> {
  const options = { fetcher: repository, store: new MemoryMetadataStore(), clock: () => new Date() };
  return new Updater({ trustedRoot: repository.file('2.root.json'), ...options }).refresh().then(
    () => true,
    (error: { code?: string }) => {
      assert.equal(error.code, 'UNSIGNED');
      return false;
    },
  );
}

const guide = await readFile(new URL('../../../docs/guides/keys.md', import.meta.url), 'utf8');
const peers = PEER_NAMES.map((name) => Peer.start(name));
after(() => Promise.all(peers.map((peer) => peer.stop())));

describe('a timestamp', () => {
  for (const signer of signers) {
    const { scheme } = signer.key;
    it(`signed with ${scheme} is read by those of whom docs/guides/keys.md says so`, async () => {
      const repository = await repositoryOf(signer);
      const files = Object.fromEntries(
        [...repository.files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')]),
      );
      const trusted = files['2.root.json'] ?? assert.fail();
      const answers = await Promise.all(
        peers.map((peer) => peer.ask({ op: 'case', trusted, steps: [{ files, lookups: [] }] })),
      );
      const read = [await weRead(repository), ...answers.map(({ steps }) => steps[0]?.refused === undefined)];
      const row =
        new RegExp(`^\\| \`${scheme}\` +\\|(.*)\\|$`, 'm').exec(guide)?.[1] ?? assert.fail(`no row for ${scheme}`);
      assert.deepEqual(
        row.split('|').map((cell) => cell.trim()),
        read.map((yes) => (yes ? 'yes' : 'no')),
      );
    });
  }
});

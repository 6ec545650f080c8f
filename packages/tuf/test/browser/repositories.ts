import { createHash } from 'node:crypto';
import { MemoryRepositoryStorage, Repository, type TopLevelRole } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import { delegateBins, NOW, TestRepository } from '../repository.ts';

export const CONTENT = new TextEncoder().encode('hello, browser');
export const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
export const TARGET = 'a/file.txt';
/** TAP 15: the first four bits of the path's hash. */
export const BIN = `bins-${createHash('sha256').update(TARGET).digest('hex').slice(0, 1)}`;

export interface Keys extends Record<TopLevelRole, readonly LocalSigner[]> {
  readonly bins: LocalSigner;
}

/** A key of another kind for each role. */
export async function makeKeys(): Promise<Keys> {
  const [ed25519, p256, p384, rsa, rsa512] = await Promise.all([
    generateKey('ed25519'),
    generateKey('ecdsa-sha2-nistp256'),
    generateKey('ecdsa-sha2-nistp384'),
    generateKey('rsassa-pss-sha256'),
    generateKey('rsassa-pss-sha512'),
  ]);
  return { root: [ed25519, p256], timestamp: [p384], snapshot: [rsa], targets: [ed25519], bins: rsa512 };
}

/** Everything is version 2: the first root lists other keys and a lower threshold. */
export async function makeRepository({ bins, ...signers }: Keys): Promise<TestRepository> {
  const repository = await TestRepository.create();
  repository.signers = signers;
  repository.thresholds.root = 2;
  repository.withHashes = true;
  fillBins(repository, bins);
  await repository.publishRoot();
  await repository.publish();
  return repository;
}

function fillBins(repository: TestRepository, signer: LocalSigner): void {
  const delegations = delegateBins(signer, { bitLength: 4, namePrefix: 'bins' });
  repository.roles.set('targets', { signers: repository.signers.targets, delegations });
  const file = { length: CONTENT.length, hashes: new Map([['sha256', SHA256]]) };
  for (let bin = 0; bin < 16; bin++) {
    const name = `bins-${bin.toString(16)}`;
    repository.roles.set(name, { signers: [signer], targets: new Map(name === BIN ? [[TARGET, file]] : []) });
  }
}

/** The same, published by {@link Repository}: the root changes with the first file. */
export async function publishRepository({ bins, ...top }: Keys): Promise<MemoryRepositoryStorage> {
  const storage = new MemoryRepositoryStorage();
  const keySet = (signers: readonly LocalSigner[]) => ({
    keys: signers.map(({ key }) => key),
    threshold: signers.length,
  });
  const roles = {
    root: keySet(top.targets),
    timestamp: keySet(top.timestamp),
    snapshot: keySet(top.snapshot),
    targets: keySet(top.targets),
  };
  const signers = [...new Set([...Object.values(top).flat(), bins])];
  const repository = await Repository.create({ storage, clock: () => NOW, signers, roles });
  await repository.update(async (draft) => {
    draft.root.setKeys('root', keySet(top.root));
    draft.targets.delegateBins({ bitLength: 4, namePrefix: 'bins', ...keySet([bins]) });
    await draft.targets.addFile(TARGET, CONTENT);
  });
  return storage;
}

/** What a web server would offer of one of the storage's folders. */
export async function offered(storage: MemoryRepositoryStorage, folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const path of await storage.list(folder)) {
    const bytes = await storage.read(path);
    if (bytes !== undefined) files.set(path.slice(folder.length + 1), bytes);
  }
  return files;
}

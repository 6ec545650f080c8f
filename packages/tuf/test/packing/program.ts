import { writeFile } from 'node:fs/promises';
import {
  MemoryMetadataStore,
  type MetadataFetcher,
  NotFoundError,
  rootJson,
  signMetadata,
  snapshotJson,
  targetsJson,
  timestampJson,
  Updater,
} from '@holdfast/tuf';
import { FileMetadataStore, generateKey, type LocalSigner, readKeyFile, writeKeyFile } from '@holdfast/tuf/node';

/** A repository and two clients: type-checked, and run as plain JavaScript, in a project of its own. */

await writeKeyFile('key.json', await generateKey('ecdsa-sha2-nistp256'), undefined);
const signer: LocalSigner = await readKeyFile('key.json', undefined);
const keys = { keyids: [signer.key.keyid], threshold: 1 };
const common = { version: 1, expires: new Date(Date.now() + 86_400_000) };
const roles = { root: keys, timestamp: keys, snapshot: keys, targets: keys };
const file = { length: 5, hashes: new Map([['sha256', '00'.repeat(32)]]) };
const files = new Map([
  ['1.root.json', rootJson({ ...common, consistentSnapshot: true, keys: [signer.key], roles })],
  ['1.targets.json', targetsJson({ ...common, targets: new Map([['a/file.txt', file]]) })],
  ['1.snapshot.json', snapshotJson({ ...common, meta: new Map([['targets.json', { version: 1 }]]) })],
  ['timestamp.json', timestampJson({ ...common, snapshot: { version: 1 } })],
]);
const fetcher: MetadataFetcher = {
  async fetch(path) {
    const json = files.get(path);
    if (json === undefined) throw new NotFoundError(path);
    return signMetadata(json, [signer]);
  },
};
const trustedRoot = await fetcher.fetch('1.root.json', { maxLength: 1 << 20 });
await writeFile('root.json', trustedRoot);
for (const store of [new MemoryMetadataStore(), new FileMetadataStore('metadata')]) {
  const updater = new Updater({ trustedRoot, fetcher, store, clock: () => new Date() });
  const info = await updater.targetInfo('a/file.txt');
  process.stdout.write(`${info?.chain.join()} ${info?.file.length}\n`);
}

// @ts-expect-error: no such scheme, if there are types at all
if (files.size === 0) await generateKey('md5');

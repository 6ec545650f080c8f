import { createPrivateKey } from 'node:crypto';
import { type JsonObject, rootJson, signMetadata, snapshotJson, targetsJson, timestampJson } from '@holdfast/tuf';
import { type LocalSigner, localSigner } from '@holdfast/tuf/node';

/** A small repository that is the same in every run: its keys are fixed, and ed25519 signs the same way each time. */

const EXPIRES = new Date('2027-01-01T00:00:00Z');
const FILE = {
  length: 0,
  hashes: new Map([['sha256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']]),
};

const [first, second, third, fourth, fifth] = await Promise.all([key(1), key(2), key(3), key(4), key(5)]);
const signers = [first, second, third, fourth];
const oneOf = (signer: LocalSigner) => ({ keyids: [signer.key.keyid], threshold: 1 });

const root = (version: number): JsonObject =>
  rootJson({
    version,
    expires: EXPIRES,
    consistentSnapshot: true,
    keys: signers.map(({ key }) => key),
    roles: {
      root: { keyids: [first.key.keyid, second.key.keyid], threshold: 2 },
      timestamp: oneOf(second),
      snapshot: oneOf(third),
      targets: oneOf(fourth),
    },
  });
const delegated = targetsJson({ version: 4, expires: EXPIRES, targets: new Map([['dir/file', FILE]]) });
const targets = targetsJson({
  version: 3,
  expires: EXPIRES,
  targets: new Map([['a/b.whl', { ...FILE, custom: new Map([['yanked', false]]) }]]),
  delegations: {
    keys: new Map([[fifth.key.keyid, fifth.key]]),
    roles: [
      { ...oneOf(fifth), name: 'delegated', paths: ['dir/*', 'x'], terminating: true },
      { ...oneOf(fifth), name: 'hashed', pathHashPrefixes: ['0a', 'f'], terminating: false },
    ],
  },
});
const meta = new Map([
  ['targets.json', { version: 3 }],
  ['delegated.json', { version: 4 }],
]);
const snapshot = snapshotJson({ version: 2, expires: EXPIRES, meta });
const timestamp = timestampJson({ version: 7, expires: EXPIRES, snapshot: { version: 2 } });

export const TRUSTED_ROOT: Uint8Array = await signMetadata(root(1), [first, second]);
/** What a client would fetch, in that order: the next root, timestamp, snapshot, targets. */
export const REPOSITORY_PIECES: readonly Uint8Array[] = await Promise.all([
  signMetadata(root(2), [first, second]),
  signMetadata(timestamp, [second]),
  signMetadata(snapshot, [third]),
  signMetadata(targets, [fourth]),
]);
export const DELEGATED_BYTES: Uint8Array = await signMetadata(delegated, [fifth]);
/** Everything that a holder of these keys ever signed. */
export const SIGNED: readonly JsonObject[] = [root(1), root(2), timestamp, snapshot, targets, delegated];

/** RFC 8410 around 32 bytes that are all the same. */
function key(byte: number): Promise<LocalSigner> {
  const der = Buffer.from(`302e020100300506032b657004220420${byte.toString(16).padStart(2, '0').repeat(32)}`, 'hex');
  return localSigner(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), 'ed25519');
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  addSignature,
  type Delegations,
  type MetaFile,
  rootJson,
  type Signer,
  signMetadata,
  snapshotJson,
  type TargetFile,
  targetsJson,
  timestampJson,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { runOurs } from './differential/ours.ts';
import { PEER_NAMES, Peer } from './peers/peer.ts';
import type { CaseRequest, LookupAnswer } from './peers/protocol.ts';
import { python } from './python.ts';
import { uniqueKeys } from './repository.ts';

const VARIANTS = [
  { compact: true, consistent: true, with_hashes: true },
  { compact: false, consistent: true, with_hashes: false },
  { compact: true, consistent: false, with_hashes: false },
  { compact: false, consistent: false, with_hashes: true },
];

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const contentOf = (path: string): TargetFile => ({
  length: Buffer.byteLength(path),
  hashes: new Map([['sha256', sha256(path)]]),
});
const listing = (...paths: readonly string[]): ReadonlyMap<string, TargetFile> =>
  new Map(paths.map((path) => [path, contentOf(path)]));
const COMMON = { version: 1, expires: new Date(Date.now() + 2 * 86_400_000) };

describe('repositories written by python-tuf', () => {
  const script = readFileSync(new URL('peers/write_python_tuf.py', import.meta.url), 'utf8');
  const written = python(script, VARIANTS) as { paths: string[]; repositories: Record<string, string>[] };
  for (const [index, variant] of VARIANTS.entries()) {
    it(`are read by us: all key types, nested, hashed and succinct delegations, a rotated root, ${JSON.stringify(variant)}`, async () => {
      const files = written.repositories[index] ?? {};
      const trusted = files['1.root.json'] ?? '';
      const lookups = [...written.paths, 'dir/absent', 'bins/absent', 'absent'];
      const { steps } = await runOurs({ op: 'case', trusted, steps: [{ files, lookups }] });
      assert.equal(steps[0]?.refused, undefined);
      assertFound(lookups, steps[0]?.lookups ?? []);
    });
  }
});

describe('repositories written by us', () => {
  for (const { consistent, with_hashes } of VARIANTS) {
    it(`are read by python-tuf, tuf-js and go-tuf, unmodified; consistent snapshot ${consistent}, hashes ${with_hashes}`, async () => {
      const files = await write(consistent, with_hashes);
      const lookups = [
        'a',
        'dir/b.txt',
        'dir/ü \u{1f600}.txt',
        'bins/a',
        'bins/b',
        'dir/absent',
        'bins/absent',
        'absent',
      ];
      const request: CaseRequest = {
        op: 'case',
        trusted: files.get('1.root.json') ?? '',
        steps: [{ files: Object.fromEntries(files), lookups }],
      };
      for (const name of PEER_NAMES) {
        const peer = Peer.start(name);
        try {
          const { steps } = await peer.ask(request);
          assert.equal(steps[0]?.refused, undefined, name);
          assertFound(lookups, steps[0]?.lookups ?? []);
        } finally {
          await peer.stop();
        }
      }
    });
  }
});

/** A target's content is its path; what is called absent is nowhere. */
function assertFound(lookups: readonly string[], answers: readonly LookupAnswer[]): void {
  for (const [index, path] of lookups.entries()) {
    const { length, hashes, refused } = answers[index] ?? {};
    const expected = path.endsWith('absent') ? undefined : contentOf(path);
    assert.deepEqual(
      { path, refused, length, sha256: hashes?.['sha256'] },
      { path, refused: undefined, length: expected?.length, sha256: expected?.hashes.get('sha256') },
    );
  }
}

/** Keys of all types, thresholds of two, a rotated root, nested and succinct delegations. */
async function write(consistentSnapshot: boolean, withHashes: boolean): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const [ed, p256, p384, rsa] = await Promise.all([
    generateKey('ed25519'),
    generateKey('ecdsa-sha2-nistp256'),
    generateKey('ecdsa-sha2-nistp384'),
    generateKey('rsassa-pss-sha256'),
  ]);
  const put = (role: string, version: number, bytes: Uint8Array): MetaFile => {
    const prefix = role === 'root' || (consistentSnapshot && role !== 'timestamp') ? `${version}.` : '';
    files.set(`${prefix}${role}.json`, Buffer.from(bytes).toString('base64'));
    return withHashes ? { version, length: bytes.length, hashes: new Map([['sha256', sha256(bytes)]]) } : { version };
  };
  const keys = (...signers: readonly Signer[]) => ({
    keyids: signers.map(({ key }) => key.keyid),
    threshold: signers.length,
  });
  const roles = { timestamp: keys(p384), snapshot: keys(rsa), targets: keys(rsa, ed) };
  const all = uniqueKeys([ed, p256, p384, rsa]);
  const first = rootJson({ ...COMMON, consistentSnapshot, keys: all, roles: { ...roles, root: keys(ed, p256) } });
  put('root', 1, await signMetadata(first, [ed, p256]));
  const second = { ...COMMON, version: 2, consistentSnapshot, keys: all, roles: { ...roles, root: keys(ed, p384) } };
  // Signed one by one, as by holders who never meet.
  let root = await signMetadata(rootJson(second), []);
  for (const signer of [ed, p256, p384]) root = await addSignature(root, signer);
  put('root', 2, root);

  const meta = new Map<string, MetaFile>();
  const role = async (
    name: string,
    signers: readonly Signer[],
    paths: readonly string[],
    delegations?: Delegations,
  ) => {
    const signed = targetsJson({ ...COMMON, targets: listing(...paths), delegations });
    meta.set(`${name}.json`, put(name, 1, await signMetadata(signed, signers)));
  };
  const table = new Map(all.map((key) => [key.keyid, key]));
  await role('targets', [rsa, ed], ['a'], {
    keys: table,
    roles: [
      { ...keys(p256, ed), name: 'team one', terminating: false, paths: ['dir/*'] },
      { ...keys(p384), name: 'bins', terminating: true, paths: ['bins/*'] },
    ],
  });
  await role('team one', [p256, ed], ['dir/b.txt'], {
    keys: table,
    roles: [{ ...keys(ed), name: 'ü', terminating: false, paths: ['dir/?*'] }],
  });
  await role('ü', [ed], ['dir/ü \u{1f600}.txt']);
  await role('bins', [p384], [], {
    keys: table,
    roles: [],
    succinct: { ...keys(ed), bitLength: 5, namePrefix: 'bin' },
  });
  for (let bin = 0; bin < 32; bin++) {
    const own = ['bins/a', 'bins/b'].filter((path) => Number.parseInt(sha256(path).slice(0, 2), 16) >>> 3 === bin);
    await role(`bin-${bin.toString(16).padStart(2, '0')}`, [ed], own);
  }
  const snapshot = put('snapshot', 1, await signMetadata(snapshotJson({ ...COMMON, meta }), [rsa]));
  put('timestamp', 1, await signMetadata(timestampJson({ ...COMMON, snapshot }), [p384]));
  return files;
}

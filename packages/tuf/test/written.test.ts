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

interface Signers {
  readonly ed: Signer;
  readonly p256: Signer;
  readonly p384: Signer;
  readonly rsa: Signer;
}
/** Keeps a file under its name and says what the file that lists it says of it. */
type Put = (role: string, version: number, bytes: Uint8Array) => MetaFile;

const keysOf = (...signers: readonly Signer[]) => ({
  keyids: signers.map(({ key }) => key.keyid),
  threshold: signers.length,
});

/** Keys of all types, thresholds of two, a rotated root, nested and succinct delegations; files in base64. */
async function write(consistentSnapshot: boolean, withHashes: boolean): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const put: Put = (role, version, bytes) => {
    const prefix = role === 'root' || (consistentSnapshot && role !== 'timestamp') ? `${version}.` : '';
    files.set(`${prefix}${role}.json`, Buffer.from(bytes).toString('base64'));
    return withHashes ? { version, length: bytes.length, hashes: new Map([['sha256', sha256(bytes)]]) } : { version };
  };
  const signers = {
    ed: await generateKey('ed25519'),
    p256: await generateKey('ecdsa-sha2-nistp256'),
    p384: await generateKey('ecdsa-sha2-nistp384'),
    rsa: await generateKey('rsassa-pss-sha256'),
  };
  await writeRoots(signers, consistentSnapshot, put);
  const meta = await writeTargets(signers, put);
  const snapshot = put('snapshot', 1, await signMetadata(snapshotJson({ ...COMMON, meta }), [signers.rsa]));
  put('timestamp', 1, await signMetadata(timestampJson({ ...COMMON, snapshot }), [signers.p384]));
  return files;
}

async function writeRoots({ ed, p256, p384, rsa }: Signers, consistentSnapshot: boolean, put: Put): Promise<void> {
  const roles = { timestamp: keysOf(p384), snapshot: keysOf(rsa), targets: keysOf(rsa, ed) };
  const common = { ...COMMON, consistentSnapshot, keys: uniqueKeys([ed, p256, p384, rsa]) };
  const first = rootJson({ ...common, roles: { ...roles, root: keysOf(ed, p256) } });
  put('root', 1, await signMetadata(first, [ed, p256]));
  const second = rootJson({ ...common, version: 2, roles: { ...roles, root: keysOf(ed, p384) } });
  // Signed one by one, as by holders who never meet.
  let root = await signMetadata(second, []);
  for (const signer of [ed, p256, p384]) root = await addSignature(root, signer);
  put('root', 2, root);
}

async function writeTargets({ ed, p256, p384, rsa }: Signers, put: Put): Promise<ReadonlyMap<string, MetaFile>> {
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
  const keys = new Map(uniqueKeys([ed, p256, p384]).map((key) => [key.keyid, key]));
  await role('targets', [rsa, ed], ['a'], {
    keys,
    roles: [
      { ...keysOf(p256, ed), name: 'team one', terminating: false, paths: ['dir/*'] },
      { ...keysOf(p384), name: 'bins', terminating: true, paths: ['bins/*'] },
    ],
  });
  await role('team one', [p256, ed], ['dir/b.txt'], {
    keys,
    roles: [{ ...keysOf(ed), name: 'ü', terminating: false, paths: ['dir/?*'] }],
  });
  await role('ü', [ed], ['dir/ü \u{1f600}.txt']);
  await role('bins', [p384], [], { keys, roles: [], succinct: { ...keysOf(ed), bitLength: 5, namePrefix: 'bin' } });
  for (let bin = 0; bin < 32; bin++) {
    const own = ['bins/a', 'bins/b'].filter((path) => Number.parseInt(sha256(path).slice(0, 2), 16) >>> 3 === bin);
    await role(`bin-${bin.toString(16).padStart(2, '0')}`, [ed], own);
  }
  return meta;
}

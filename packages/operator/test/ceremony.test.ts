import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseRoot, parseTargets, UnsignedMetadataError, verifySignatures } from '@holdfast/tuf';
import { generateKey, type LocalSigner, readKeyFile } from '@holdfast/tuf/node';
import {
  type Ceremony,
  type CeremonyResult,
  holdCeremony,
  nextRoot,
  nextTargets,
  OfflineDirectoryError,
  rootFingerprint,
} from '../src/index.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-ceremony-'));
after(() => rm(directory, { recursive: true, force: true }));

const year = 365 * 86_400;
const online = await generateKey('ed25519');
const now = new Date('2026-01-01T00:00:00.500Z');

function hold(name: string, changes: Partial<Ceremony> = {}): Promise<CeremonyResult> {
  const ceremony: Ceremony = {
    offlineDirectory: join(directory, name),
    online: online.key,
    root: { holders: 3, threshold: 2 },
    targets: { holders: 2, threshold: 2 },
    lifetime: year,
    now,
    passphraseFor: async (holder) => `secret of ${holder}`,
    ...changes,
  };
  return holdCeremony(ceremony);
}

const keyOf = (name: string, holder: string): Promise<LocalSigner> =>
  readKeyFile(join(directory, name, holder, 'key.json'), `secret of ${holder}`);

const ceremony = await hold('first');

test('root is signed by its holders and names the offline and online keys with their thresholds (P2, P4)', async () => {
  const root = parseRoot(ceremony.root);
  assert.equal(root.signed.version, 1);
  assert.equal(root.signed.consistentSnapshot, true);
  assert.equal(root.signed.roles.get('root')?.threshold, 2);
  assert.equal(root.signed.roles.get('targets')?.threshold, 2);
  assert.deepEqual(root.signed.roles.get('timestamp')?.keyids, [online.key.keyid]);
  assert.deepEqual(root.signed.roles.get('snapshot')?.keyids, [online.key.keyid]);
  assert.equal(root.signed.expires.getTime(), Date.UTC(2027, 0, 1));
  const rootKeys = root.signed.roles.get('root');
  assert.ok(rootKeys);
  await verifySignatures(root, root.signed.keys, rootKeys);
});

test('targets delegates every project to unclaimed, and needs both of its holders (P4)', async () => {
  const root = parseRoot(ceremony.root);
  const targets = parseTargets(ceremony.targets);
  const [unclaimed, ...others] = targets.signed.delegations?.roles ?? [];
  assert.deepEqual(others, []);
  assert.equal(unclaimed?.name, 'unclaimed');
  assert.deepEqual(unclaimed.paths, ['*/*/*']);
  const roleKeys = root.signed.roles.get('targets');
  assert.ok(roleKeys);
  await verifySignatures(targets, root.signed.keys, roleKeys);
  const oneSignature = { ...targets, signatures: targets.signatures.slice(1) };
  await assert.rejects(verifySignatures(oneSignature, root.signed.keys, roleKeys), UnsignedMetadataError);
});

test('the empty trees that it signs live no longer than later ones: a thief shows them to new users until they expire (M10)', async () => {
  const expiries = async (name: string, changes: Partial<Ceremony>): Promise<string[]> => {
    const { roles } = await hold(name, { model: 'maximum', ...changes });
    return Array.from(roles, ([role, bytes]) => `${role} ${parseTargets(bytes).signed.expires.toISOString()}`);
  };
  const all = ['claimed', 'rarely-updated', 'rarely-updated.closed'];
  assert.deepEqual(
    await expiries('trees', {}),
    all.map((role) => `${role} 2026-06-30T00:00:00.000Z`),
  );
  assert.deepEqual(
    await expiries('short', { lifetime: 86_400 }),
    all.map((role) => `${role} 2026-01-02T00:00:00.000Z`),
  );
});

test('each holder gets a folder with an encrypted key that only its owner may read, and instructions (P5)', async () => {
  assert.deepEqual((await readdir(join(directory, 'first'))).toSorted(), [
    'root-1',
    'root-2',
    'root-3',
    'root.json',
    'targets-1',
    'targets-2',
    'transcript.txt',
  ]);
  for (const folder of ceremony.folders) {
    const key = join(folder, 'key.json');
    assert.equal((await stat(key)).mode & 0o777, 0o600);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.match(await readFile(join(folder, 'README.txt'), 'utf8'), /two memory sticks/);
    await assert.rejects(readKeyFile(key, 'not the passphrase'));
  }
});

test('the transcript and the fingerprint are what goes on paper (P5)', async () => {
  assert.equal(ceremony.fingerprint, rootFingerprint(ceremony.root));
  const onPaper = ceremony.transcript.replaceAll(' ', '');
  assert.ok(onPaper.includes(ceremony.fingerprint));
  const root = parseRoot(ceremony.root);
  for (const keyid of root.signed.keys.keys()) assert.ok(onPaper.includes(keyid));
  assert.equal(await readFile(join(directory, 'first', 'transcript.txt'), 'utf8'), ceremony.transcript);
});

test('a directory that holds keys already is refused and left as it is', async () => {
  const before = await readFile(join(directory, 'first', 'root-1', 'key.json'));
  await assert.rejects(hold('first'), OfflineDirectoryError);
  assert.deepEqual(await readFile(join(directory, 'first', 'root-1', 'key.json')), before);
  await writeFile(join(directory, 'a-file'), '');
  await assert.rejects(hold('a-file'));
});

test('a next root replaces keys and keeps what it is not told to change (P13)', async () => {
  const signers = [await keyOf('first', 'root-1'), await keyOf('first', 'root-3')];
  const fresh = await generateKey('ed25519');
  const expires = new Date('2028-01-01T00:00:00Z');
  const bytes = await nextRoot(
    ceremony.root,
    { expires, roles: { timestamp: { keys: [fresh.key], threshold: 1 } } },
    signers,
  );
  const [before, next] = [parseRoot(ceremony.root).signed, parseRoot(bytes)];
  assert.equal(next.signed.version, 2);
  assert.deepEqual(next.signed.roles.get('timestamp')?.keyids, [fresh.key.keyid]);
  for (const role of ['root', 'snapshot', 'targets'] as const)
    assert.deepEqual(next.signed.roles.get(role), before.roles.get(role));
  const rootKeys = before.roles.get('root');
  assert.ok(rootKeys);
  await verifySignatures(next, before.keys, rootKeys);
});

test('next targets hands unclaimed to another online key, signed by both holders (P3, P18)', async () => {
  const signers = [await keyOf('first', 'targets-1'), await keyOf('first', 'targets-2')];
  const fresh = await generateKey('ed25519');
  const changes = { expires: new Date('2028-01-01T00:00:00Z'), online: { keys: [fresh.key], threshold: 1 } };
  const next = parseTargets(await nextTargets(ceremony.targets, changes, signers));
  assert.equal(next.signed.version, 2);
  assert.deepEqual(next.signed.delegations?.roles[0]?.keyids, [fresh.key.keyid]);
  const root = parseRoot(ceremony.root).signed;
  const holders = root.roles.get('targets');
  assert.ok(holders);
  await verifySignatures(next, root.keys, holders);
});

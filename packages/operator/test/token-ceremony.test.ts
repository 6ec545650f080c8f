import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pkcs11Signer } from '@holdfast/signer-pkcs11';
import { parseRoot, parseTargets, type Signer, SignerError, verifySignatures } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { PIN, softHsm, TOKEN } from '../../signer-pkcs11/test/soft-hsm.ts';
import { type Ceremony, holdCeremony, HoldersError } from '../src/index.ts';
import { exported, planned, publish } from './support/world.ts';

/** Ceremonies and signings with keys that never leave a PKCS #11 token (SoftHSM). The commands are in the operators' guide. */
const directory = await mkdtemp(join(tmpdir(), 'holdfast-token-ceremony-'));
const hsm = softHsm();
const KINDS = ['ed25519', 'P-256', 'P-384', 'RSA-2048'] as const;
for (const [at, kind] of KINDS.entries()) hsm.makeKey(kind, kind, { id: at + 1 });
hsm.makeKey('P-256', 'careful', { id: 9, alwaysAuthenticate: true });
const online = (await generateKey('ed25519')).key;
const now = new Date('2026-01-01T00:00:00Z');
after(async () => {
  hsm.remove();
  await rm(directory, { recursive: true });
});

/** @param pins what is typed: each answer is taken once, the last for ever */
async function key(label: string, pins: readonly string[] = [PIN]): Promise<Signer & { asked(): number }> {
  let asked = 0;
  const pin = (): string => pins[Math.min(asked++, pins.length - 1)] ?? '';
  const signer = await pkcs11Signer({ module: hsm.module, token: TOKEN, key: { label }, pin });
  return { ...signer, asked: () => asked };
}

function hold(name: string, root: readonly Signer[], targets: readonly Signer[], changes: Partial<Ceremony> = {}) {
  return holdCeremony({
    offlineDirectory: join(directory, name),
    online,
    model: 'maximum',
    root: { holders: root.length, threshold: root.length, own: root },
    targets: { holders: targets.length, threshold: targets.length, own: targets },
    lifetime: 365 * 86_400,
    now,
    passphraseFor: async (holder) => `the passphrase of ${holder}`,
    ...changes,
  });
}

test('a ceremony with keys of every kind in a token signs all of it, and writes no private key (P5, M3)', async () => {
  const signers = await Promise.all([key('ed25519'), key('P-256'), key('P-384'), key('RSA-2048')]);
  const [a, b, c, d] = signers;
  const made = await hold('whole', [a, b, d], [c, d]);
  const { signed } = parseRoot(made.root);
  const roleKeys = signed.roles.get('root') ?? assert.fail();
  assert.equal(roleKeys.threshold, 3);
  await verifySignatures(parseRoot(made.root), signed.keys, roleKeys);
  const targets = parseTargets(made.targets);
  await verifySignatures(targets, signed.keys, signed.roles.get('targets') ?? assert.fail());
  const { keys, roles } = targets.signed.delegations ?? assert.fail();
  for (const [role, bytes] of made.roles) {
    const top = roles.find(({ name }) => role === name || role.startsWith(`${name}.`)) ?? assert.fail(role);
    await verifySignatures(parseTargets(bytes), keys, top);
  }
  const files = await readdir(join(directory, 'whole'), { recursive: true });
  assert.deepEqual(
    files.filter((file) => /root-|targets-/.test(file) && file.includes('.')).map((file) => file.split('/')[1]),
    Array.from({ length: 5 }, () => 'README.txt'),
  );
  assert.match(made.transcript, /root-1 +root +ed25519 +[0-9a-f]{64} {2}\(brought\)\n/);
});

test('paper tells who brings a key where it is, and when losing it would be the end of root', async () => {
  const own = await key('P-256');
  const all = await hold('all', [own], [own]);
  const paper = await readFile(join(directory, 'all', 'root-1', 'README.txt'), 'utf8');
  assert.match(paper, /No key is in this folder/);
  assert.doesNotMatch(paper, /memory sticks/);
  assert.match(all.transcript, /! root needs all of its keys, and the one that root-1 brought may have no copy/);
  const spare = await hold('spare', [own], [own], { root: { holders: 3, threshold: 2, own: [own] } });
  assert.doesNotMatch(spare.transcript, /!/);
  assert.deepEqual(await readdir(join(directory, 'spare', 'root-3')), ['README.txt']);
  assert.deepEqual((await readdir(join(directory, 'spare', 'root-1'))).sort(), ['README.txt', 'key.json']);
  assert.match(await readFile(join(directory, 'spare', 'root-1', 'README.txt'), 'utf8'), /memory sticks/);
});

test('a wrong PIN ends a ceremony at once, tried once, and leaves nothing: it can be held again', async () => {
  const [good, wrong] = [await key('P-256'), await key('P-384', ['not the PIN'])];
  for (const [root, targets] of [
    [[wrong, good], [good]],
    [[good], [good, wrong]],
  ] as const) {
    const before = wrong.asked();
    await assert.rejects(
      hold('wrong', root, targets),
      (error) => error instanceof SignerError && error.problem === 'pin-wrong',
    );
    assert.equal(wrong.asked(), before + 1);
    assert.deepEqual(await readdir(join(directory, 'wrong')), []);
  }
  await hold('wrong', [good], [good]);
  await assert.rejects(hold('twice', [good, good], [good]), HoldersError);
  await assert.rejects(pkcs11Signer({ module: hsm.module, token: TOKEN, key: { label: 'none' }, pin: () => PIN }), {
    problem: 'no-such-key',
  });
});

test('a key that wants its PIN for each signature gets it, all the way through a ceremony', async () => {
  const careful = await key('careful');
  await hold('careful', [careful], [careful]);
  assert.equal(careful.asked(), 5, 'root, targets, claimed, rarely-updated and its closed role');
});

test('an offline signing takes signatures of tokens; a new root those of the tokens before and after (M4)', async () => {
  const [a, b, c, next] = await Promise.all([key('ed25519'), key('P-256'), key('RSA-2048'), key('P-384')]);
  const made = await hold('signing', [a, b], [b, c]);
  const roles = new Map([['targets', made.targets], ...made.roles]);
  const world = { now, roots: [made.root], roles, retired: new Map(), holders: new Map(), directory };
  const holders = new Map([['root', { keys: [b.key, next.key], threshold: 2 }]] as const);
  const path = await exported(world, { holders });
  const { plan } = await planned(path);
  assert.deepEqual(
    plan.roles.map(({ role, why }) => [role, why]),
    [['root', 'changed']],
  );
  await assert.rejects(publish(world, path, [b, next, c]), /\broot\b/, 'both sets of holders have to sign');
  const offer = await publish(world, path, [a, b, next, c]);
  const root = parseRoot(offer.root ?? assert.fail());
  assert.equal(root.signed.unrecognized.get('index'), made.fingerprint);
  const signed = root.signatures.map(({ keyid }) => keyid).sort();
  assert.deepEqual(signed, [a, b, next].map((each) => each.key.keyid).sort());
  const renewed = await publish(world, await exported({ ...world, now: new Date('2026-05-01T00:00:00Z') }, {}), [b, c]);
  assert.deepEqual([...renewed.roles.keys()].sort(), ['claimed', 'rarely-updated', 'rarely-updated.closed']);
});

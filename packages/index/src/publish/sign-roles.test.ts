import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { type BinRole, encodeTarget, RECENTLY_CLAIMED, UNCLAIMED } from '@holdfast/trust';
import { parseTargets, type Signer, verifySignatures } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import { makeModelTargets } from '../../test/support/claims.ts';
import { makeRoot } from '../../test/support/rotation.ts';
import { type RoleToSign, type SignedRole, signRoles } from './sign-roles.ts';
import { type OnlineTop, SigningKeys } from './signing-keys.ts';

const EXPIRES = new Date('2030-01-01T00:00:00Z');

async function signingKeys(online: LocalSigner, signer: Signer = online): Promise<SigningKeys> {
  const facts = { version: 1, offline: await generateKey('ed25519'), online };
  return SigningKeys.from(await makeRoot(facts), await makeModelTargets(facts, 'legacy', 1), [signer]);
}

/** Every tenth is a branch. */
function binOf(at: number): BinRole {
  const prefix = at.toString(16).padStart(5, '0');
  if (at % 10 === 0) return { prefix, digits: '03f' };
  const filename = `project${at}-1.0-py3-none-any.whl`;
  const facts = { project: normalizeName(`project${at}`), filename, size: at, sha256: hash('sha256', filename) };
  const { path, file } = encodeTarget({ ...facts, uploadTime: new Date(0), requiresPython: '>=3.8, "quoted"' });
  return { prefix, targets: new Map([[path, file]]) };
}

const topOf = (at: number): OnlineTop => (at % 3 === 0 ? RECENTLY_CLAIMED : UNCLAIMED);

function* rolesToSign(count: number): Generator<RoleToSign> {
  for (let at = 0; at < count; at++) yield { top: topOf(at), bin: binOf(at), version: at + 1, expires: EXPIRES };
}

async function all(roles: AsyncIterable<SignedRole>): Promise<SignedRole[]> {
  const signed: SignedRole[] = [];
  for await (const role of roles) signed.push(role);
  return signed;
}

test('any number of roles of two trees is signed, here and in threads, in their order and with the same bytes', async () => {
  const online = await generateKey('ed25519');
  const keys = await signingKeys(online);
  const signed = await all(signRoles(rolesToSign(1_500), keys));
  assert.equal(signed.length, 1_500);
  // Without the private key at hand no thread can sign.
  const remote = await signingKeys(online, { key: online.key, sign: (data) => online.sign(data) });
  assert.deepEqual(signed, await all(signRoles(rolesToSign(1_500), remote)));
  const listed = new Map([[online.key.keyid, online.key]]);
  for (const { role, version, sha256, length, bytes, expiresAt } of signed.slice(990)) {
    const metadata = parseTargets(bytes);
    await verifySignatures(metadata, listed, { keyids: [online.key.keyid], threshold: 1 }, role);
    assert.deepEqual([metadata.signed.version, expiresAt], [version, EXPIRES.getTime()]);
    assert.deepEqual([sha256, length], [hash('sha256', bytes), bytes.length]);
    assert.equal(role, `${topOf(version - 1)}.${(version - 1).toString(16).padStart(5, '0')}`);
  }
});

test('what goes wrong in planning or in a thread ends the signing, and the source is told', async () => {
  const keys = await signingKeys(await generateKey('ed25519'));
  const seen: string[] = [];
  async function* broken(at: number, bad: RoleToSign | undefined): AsyncGenerator<RoleToSign> {
    try {
      for (const [index, role] of [...rolesToSign(1_400)].entries()) {
        if (index !== at) yield role;
        else if (bad) yield bad;
        else throw new Error('no more');
      }
    } finally {
      seen.push('ended');
    }
  }
  await assert.rejects(all(signRoles(broken(1_200, undefined), keys)), /no more/);
  const bad: RoleToSign = { top: UNCLAIMED, bin: binOf(1), version: -1, expires: EXPIRES };
  for (const at of [3, 1_200]) await assert.rejects(all(signRoles(broken(at, bad), keys)), /version/);
  assert.deepEqual(seen, ['ended', 'ended', 'ended']);
  for await (const role of signRoles(broken(-1, undefined), keys)) if (role.version === 1_100) break;
  assert.equal(seen.length, 4);
});

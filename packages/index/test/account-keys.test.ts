import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKey } from '@holdfast/tuf/node';
import { ask, keySignature, makeDeveloper, registerKey, verdict } from './support/developer.ts';
import { serveIndex } from './support/served-index.ts';

test('a present key vouches for each new one and for each that goes; a token alone changes none (M2, P10)', async (t) => {
  const served = await serveIndex(t);
  const ann = await makeDeveloper(served, 'ann');
  const second = await generateKey('ecdsa-sha2-nistp256');
  assert.equal(verdict(await registerKey(served, ann, second)), '422 KEY_NOT_VOUCHED');
  assert.equal(verdict(await registerKey(served, ann, second, await generateKey('ed25519'))), '422 VOUCHER_INVALID');
  assert.deepEqual(
    (await served.index.accountKeys.list('ann')).map(({ key }) => key.keyid),
    [ann.signer.key.keyid],
  );
  assert.equal((await registerKey(served, ann, second, ann.signer)).status, 201);
  assert.equal((await registerKey(served, ann, second, ann.signer)).status, 200, 'the same again is no change');

  const { status, body } = await ask(served, ann.token, 'GET account');
  assert.equal(status, 200);
  assert.equal(body['account'], 'ann');
  assert.equal(body['index'], await served.index.accountKeys.fingerprint());
  const keys = body['keys'] as Record<string, unknown>[];
  assert.deepEqual(
    keys.map(({ keyid, vouched_by }) => [keyid, vouched_by]),
    [
      [ann.signer.key.keyid, null],
      [second.key.keyid, ann.signer.key.keyid],
    ],
  );
  assert.deepEqual(keys[1]?.['key'], {
    keytype: 'ecdsa',
    scheme: 'ecdsa-sha2-nistp256',
    keyval: { public: second.key.public },
  });

  const path = `DELETE account/keys/${ann.signer.key.keyid}` as const;
  const adding = await keySignature(served, 'ann', ann.signer.key, second);
  assert.equal(verdict(await ask(served, ann.token, path, { vouchers: [] })), '422 KEY_NOT_VOUCHED');
  assert.equal(
    verdict(await ask(served, ann.token, path, { vouchers: [adding] })),
    '422 VOUCHER_INVALID',
    'what was signed to add a key does not remove it',
  );
  const removing = await keySignature(served, 'ann', ann.signer.key, second, 'holdfast-account-key-removal');
  assert.equal((await ask(served, ann.token, path, { vouchers: [removing] })).status, 200);
  assert.equal(verdict(await ask(served, ann.token, path, { vouchers: [removing] })), '404 KEY_UNKNOWN');
  assert.equal(verdict(await registerKey(served, ann, ann.signer, second)), '409 KEY_REMOVED');
  const rows = await served.index.records.read.selectFrom('account_keys').selectAll().execute();
  assert.equal(rows.length, 2, 'what was removed stays in the log');
});

test('a key is registered by who holds it, for one account of one index, and not with a token for one project (P10)', async (t) => {
  const served = await serveIndex(t);
  const { index } = served;
  const { token } = served;
  const key = await generateKey('ed25519');
  const json = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: key.key.public } };
  const post = (body: object, by = token) => ask(served, by, 'POST account/keys', body);
  const whole = { key: json, label: 'laptop', proof: await keySignature(served, 'ann', key.key, key) };
  const refused = new Map<string, object>([
    ['422 KEY_NOT_PROVEN for another account', { ...whole, proof: await keySignature(served, 'bob', key.key, key) }],
    [
      '422 KEY_NOT_PROVEN by another key',
      { ...whole, proof: await keySignature(served, 'ann', key.key, await generateKey('ed25519')) },
    ],
    [
      '422 KEY_NOT_PROVEN for another index',
      {
        ...whole,
        proof: await keySignature(
          { index: { accountKeys: { fingerprint: async () => 'ab'.repeat(32) } } as never },
          'ann',
          key.key,
          key,
        ),
      },
    ],
    ['422 INVALID_REQUEST without a proof', { key: json, label: 'laptop' }],
    ['422 INVALID_REQUEST with a label that steers a terminal', { ...whole, label: 'a\u001b[2Jb' }],
    ['422 INVALID_REQUEST with more in the key than is signed', { ...whole, key: { ...json, private: 'x' } }],
  ]);
  for (const [expected, body] of refused) {
    const [status, code] = expected.split(' ');
    assert.equal(verdict(await post(body)), `${status} ${code}`, expected);
  }
  const limited = await index.accounts.createToken({ account: 'ann', project: 'demo' as never, label: 'CI' });
  assert.equal(verdict(await ask(served, limited.token, 'GET account/keys')), '403 TOKEN_LIMITED');
  assert.equal((await ask(served, limited.token, 'GET account')).status, 200, 'a build server has to know who it is');
  assert.equal(verdict(await post(whole, limited.token)), '403 TOKEN_LIMITED');
  assert.equal((await ask(served, undefined, 'GET account')).status, 401);
  assert.deepEqual(await index.accountKeys.list('ann'), []);
  assert.equal((await post(whole)).status, 201);
});

test('of two first keys that come at once, one is registered: the other one needs its voucher', async (t) => {
  const served = await serveIndex(t);
  const keys = await Promise.all(Array.from({ length: 6 }, () => generateKey('ed25519')));
  const told = await Promise.all(keys.map((key) => registerKey(served, { account: 'ann', token: served.token }, key)));
  assert.deepEqual(told.map(verdict).sort(), ['201', ...Array.from({ length: 5 }, () => '422 KEY_NOT_VOUCHED')]);
});

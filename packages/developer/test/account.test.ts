import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  getAccount,
  openSession,
  readRequestCode,
  RefusedError,
  registerKey,
  requestCode,
  requestKey,
  type Session,
  unregisterKey,
} from '@holdfast/developer';
import { addTrust } from '@holdfast/installer';
import { generateKey } from '@holdfast/tuf/node';
import { type ServedIndexUnderTest, serveIndex } from '../../index/test/support/served-index.ts';
import { keptToken } from '../src/account/token-store.ts';
import { nastyServer } from './nasty-server.ts';

/** A person's machine that trusts the index as `main`. */
async function machine(t: TestContext, { url, root }: Pick<ServedIndexUnderTest, 'url' | 'root'>): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'holdfast-account-'));
  t.after(() => rm(home, { recursive: true }));
  await addTrust({ home, name: 'main', urls: [url], root });
  return home;
}
const sessionAt = (home: string, token: string, index?: string): Promise<Session> =>
  openSession({ home, index, environment: { HOLDFAST_TOKEN: token } });
const refusal = (reason: string) => (error: unknown) => error instanceof RefusedError && error.reason === reason;

test('the first key of an account needs the token only, every other one a key that the account has (M2)', async (t) => {
  const served = await serveIndex(t);
  const home = await machine(t, served);
  const { api, account } = await sessionAt(home, served.token);
  const root = createHash('sha256').update(served.root).digest('hex');
  assert.deepEqual(account, { account: 'ann', index: root, keys: [] });
  const [first, second, third] = await Promise.all([
    generateKey('ed25519'),
    generateKey('rsassa-pss-sha256'),
    generateKey('ecdsa-sha2-nistp256'),
  ]);
  await registerKey(api, await requestKey(account, first, 'laptop'), undefined);
  const request = await requestKey(account, second, 'desktop');
  await assert.rejects(registerKey(api, request, undefined), refusal('KEY_NOT_VOUCHED'));
  await assert.rejects(registerKey(api, request, third), refusal('VOUCHER_INVALID'));
  await registerKey(api, await readRequestCode(requestCode(request)), first);
  const { keys } = await getAccount(api);
  assert.deepEqual(
    keys.map(({ key, label, vouchedBy }) => [key.keyid, label, vouchedBy]),
    [
      [first.key.keyid, 'laptop', undefined],
      [second.key.keyid, 'desktop', first.key.keyid],
    ],
  );
  assert.deepEqual(keys[1]?.key, second.key);
  assert.ok(Date.now() - (keys[0]?.addedAt.getTime() ?? 0) < 60_000);

  await assert.rejects(unregisterKey(api, account, first.key, third), refusal('VOUCHER_INVALID'));
  await unregisterKey(api, account, first.key, second);
  assert.deepEqual(
    (await getAccount(api)).keys.map(({ key }) => key.keyid),
    [second.key.keyid],
  );
  await assert.rejects(registerKey(api, await requestKey(account, first, 'again'), second), refusal('KEY_REMOVED'));
});

test('a token that is typed is asked for once, and kept when the index accepts it', async (t) => {
  const served = await serveIndex(t);
  const home = await machine(t, served);
  const asked: string[] = [];
  const typing = (token: string) => async (url: string) => {
    asked.push(url);
    return token;
  };
  const environment = { HOME: home };
  await assert.rejects(openSession({ home, environment }), { code: 'TOKEN_MISSING', url: `${served.url}/` });
  await assert.rejects(openSession({ home, environment, askToken: typing('hf_wrong') }), { code: 'TOKEN_REFUSED' });
  assert.equal(await keptToken(home, `${served.url}/`), undefined);
  await openSession({ home, environment, askToken: typing(served.token) });
  await openSession({ home, environment, index: 'main' });
  await openSession({ home, environment, index: `${served.url}/simple/` });
  assert.deepEqual(asked, [`${served.url}/`, `${served.url}/`]);
  await assert.rejects(openSession({ home, environment, index: 'other' }), { code: 'NO_TRUST' });
  await assert.rejects(openSession({ home, environment, index: 'https://packages.example.com/' }), {
    code: 'NO_TRUST',
  });
});

test('a build server with a token for one project learns whose it is, and can change no keys', async (t) => {
  const served = await serveIndex(t);
  const { token } = await served.index.accounts.createToken({ account: 'ann', project: 'demo' as never, label: 'CI' });
  const { api, account } = await sessionAt(await machine(t, served), token);
  assert.equal(account.account, 'ann');
  const request = await requestKey(account, await generateKey('ed25519'), 'x');
  await assert.rejects(registerKey(api, request, undefined), refusal('TOKEN_LIMITED'));
});

test('an index that passes for another one is found out before anything is signed', async (t) => {
  const [mine, other] = [await serveIndex(t), await serveIndex(t)];
  const home = await machine(t, { url: other.url, root: mine.root });
  await assert.rejects(sessionAt(home, other.token), { code: 'NOT_THAT_INDEX' });
});

test('an answer of another form is refused', async (t) => {
  const server = await nastyServer();
  t.after(() => server.close());
  const home = await machine(t, { url: server.url, root: (await serveIndex(t)).root });
  const bodies = [
    '{}',
    '{"account":"a","index":"b"}',
    '{"account":"a","index":"b","keys":[{"key":{}}]}',
    '{"account":1,"index":"b","keys":[]}',
    '{"account":"a\\u001b[2J","index":"b","keys":[]}',
  ];
  for (const body of bodies) {
    server.answer = (_, response) => response.writeHead(200).end(body);
    await assert.rejects(sessionAt(home, 'token'), { code: 'UNEXPECTED_ANSWER' }, body);
  }
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { normalizeName } from '@holdfast/python-index';
import { AccountExistsError, AccountUnknownError, InvalidAccountError } from '../errors.ts';
import { SqliteRecords } from '../records/sqlite-records.ts';
import { Accounts } from './accounts.ts';
import { looksLikeToken, newToken } from './token.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-accounts-'));
const [first, second] = [await open(), await open()];
after(async () => {
  await first.records.close();
  await second.records.close();
  await rm(directory, { recursive: true });
});

/** The same records, as another process has them open. */
async function open(): Promise<{ records: SqliteRecords; accounts: Accounts }> {
  const records = await SqliteRecords.open(join(directory, 'records.sqlite'));
  return { records, accounts: new Accounts(records, () => new Date(1_000)) };
}

test('a token is hf_, 43 digits and a CRC-32 in 6 digits of base 62, and no two are alike (P10)', () => {
  const tokens = Array.from({ length: 1_000 }, newToken);
  assert.equal(new Set(tokens).size, 1_000);
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  for (const token of tokens) {
    assert.match(token, /^hf_[0-9A-Za-z]{49}$/);
    assert.ok(looksLikeToken(token));
    const checksum = Array.from(token.slice(-6)).reduce((value, digit) => value * 62 + digits.indexOf(digit), 0);
    assert.equal(checksum, crc32(token.slice(0, -6)));
  }
});

test('a token with one character changed, cut or added is known as none without asking the records', () => {
  const token = newToken();
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom('0', 'A', 'z', '_', '\n', 'ä'), (at, character) => {
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      assert.equal(looksLikeToken(changed), changed === token);
    }),
  );
  for (const wrong of ['', token.slice(1), token.slice(0, -1), `${token}0`, `${token}\n`, ` ${token}`]) {
    assert.equal(looksLikeToken(wrong), false);
  }
});

test('a token is nowhere on disk, says whose it is and for which project, and is dead at once for every process when revoked (P10)', async () => {
  await first.accounts.createAccount('ann');
  const project = normalizeName('demo');
  const whole = await first.accounts.createToken({ account: 'ann', label: 'everything' });
  const scoped = await first.accounts.createToken({ account: 'ann', project, label: 'one project' });
  for (const name of await readdir(directory)) {
    const bytes = await readFile(join(directory, name));
    for (const { token } of [whole, scoped]) assert.ok(!bytes.includes(token.slice(3, -6)), name);
  }
  for (const { accounts } of [first, second]) {
    assert.deepEqual(await accounts.authenticate(whole.token), { account: 'ann' });
    assert.deepEqual(await accounts.authenticate(scoped.token), { account: 'ann', project });
    assert.equal(await accounts.authenticate(newToken()), undefined);
  }
  assert.equal(await second.accounts.revokeToken(whole.id), true);
  assert.equal(await second.accounts.revokeToken(whole.id), false);
  assert.equal(await first.accounts.authenticate(whole.token), undefined);
  assert.deepEqual(await first.accounts.authenticate(scoped.token), { account: 'ann', project });
  const listed = await first.accounts.listTokens();
  assert.deepEqual(
    new Map(listed.map(({ id, revokedAt }) => [id, revokedAt?.getTime()])),
    new Map([
      [whole.id, 1_000],
      [scoped.id, undefined],
    ]),
  );
});

test('a token for one project publishes there only if its account may, and creates no project', async () => {
  const { accounts, records } = first;
  await accounts.createAccount('bob');
  await accounts.createAccount('eve');
  await records.write(async (db) => {
    await db
      .insertInto('projects')
      .values({ name: 'bobs', display_name: 'bobs', created_at: 1, created_by: 'bob', bytes: 0 })
      .execute();
    await db.insertInto('members').values({ project: 'bobs', account: 'bob', added_at: 1 }).execute();
  });
  const [bobs, free] = [normalizeName('bobs'), normalizeName('free')];
  const answers = await Promise.all([
    accounts.mayPublish({ account: 'bob' }, bobs),
    accounts.mayPublish({ account: 'bob', project: bobs }, bobs),
    accounts.mayPublish({ account: 'bob' }, free),
    accounts.mayPublish({ account: 'bob', project: free }, bobs),
    accounts.mayPublish({ account: 'bob', project: free }, free),
    accounts.mayPublish({ account: 'eve' }, bobs),
    accounts.mayPublish({ account: 'eve', project: bobs }, bobs),
  ]);
  assert.deepEqual(answers, [true, true, true, false, false, false, false]);
});

test('account names are short and plain, are given once, and tokens are for accounts that exist', async () => {
  for (const name of ['', 'Ann', '-a', 'a b', 'a\n', 'ä', '../a', 'a'.repeat(65), '__proto__']) {
    await assert.rejects(first.accounts.createAccount(name), InvalidAccountError, name);
  }
  await first.accounts.createAccount('once');
  await assert.rejects(second.accounts.createAccount('once'), AccountExistsError);
  await assert.rejects(first.accounts.createToken({ account: 'nobody', label: '' }), AccountUnknownError);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { forgetKey, type KeyRecord, type KeySource, listKeys } from '@holdfast/developer';
import { generateKey } from '@holdfast/tuf/node';
import { knownFirstRoot, rememberFirstRoot, rememberKey } from '../src/keys/key-ring.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-key-ring-'));
after(() => rm(directory, { recursive: true }));
const INDEX = 'ab'.repeat(32);
const ringOf = (home: string): string => join(home, 'developer/keys.json');

async function record(account: string, source: KeySource, index = INDEX): Promise<KeyRecord> {
  const { key } = await generateKey('ed25519');
  return { index, account, key, source, addedAt: new Date('2026-11-21T12:00:00Z') };
}

describe('the list of keys', () => {
  it('gives back every kind of key, the newest of an account first, and holds nothing secret', async () => {
    const home = join(directory, 'kinds');
    assert.deepEqual(await listKeys(home), []);
    const records = [
      await record('ann', { kind: 'phrase' }),
      await record('ann', { kind: 'file', path: '/somewhere/else.key' }),
      await record('bob', { kind: 'ssh', fingerprint: 'SHA256:abc' }),
      await record('ann', { kind: 'pkcs11', uri: 'pkcs11:token=t;object=k?module-path=m' }, 'cd'.repeat(32)),
    ];
    for (const each of records) await rememberKey(home, each);
    assert.deepEqual(await listKeys(home), records.toReversed());
    assert.deepEqual(await listKeys(home, { index: INDEX, account: 'ann' }), [records[1], records[0]]);
    const [first = assert.fail()] = records;
    await rememberKey(home, first);
    assert.deepEqual(
      await listKeys(home, { index: INDEX, account: 'ann' }),
      [records[0], records[1]],
      'in use again, once',
    );
  });

  it('is readable by its owner only', async () => {
    const home = join(directory, 'modes');
    await rememberKey(home, await record('ann', { kind: 'phrase' }));
    assert.equal((await stat(ringOf(home))).mode & 0o777, 0o600);
    assert.equal((await stat(join(home, 'developer'))).mode & 0o777, 0o700);
    assert.deepEqual((await readdir(join(home, 'developer'))).sort(), ['keys.json', 'keys.lock']);
  });

  it('loses nothing when two processes change it at the same time', async () => {
    const home = join(directory, 'two');
    const child = join(import.meta.dirname, 'child-remembers-keys.ts');
    const children = ['ann', 'bob'].map((account) =>
      spawn(process.execPath, ['--conditions=holdfast-source', child, home, account, '15'], { stdio: 'inherit' }),
    );
    for (const [code] of await Promise.all(children.map((each) => once(each, 'close')))) assert.equal(code, 0);
    for (const account of ['ann', 'bob']) assert.equal((await listKeys(home, { account })).length, 15);
  });

  it('forgets one key by the beginning of its id, and none when that is unclear', async () => {
    const home = join(directory, 'forget');
    const [kept, gone] = [await record('ann', { kind: 'phrase' }), await record('bob', { kind: 'phrase' })];
    for (const each of [kept, gone]) await rememberKey(home, each);
    for (const keyid of ['', 'zzzz', gone.key.keyid.slice(0, 3)])
      await assert.rejects(forgetKey(home, keyid), { code: 'NO_KEY' });
    await rememberKey(home, { ...gone, account: 'eve' });
    await assert.rejects(forgetKey(home, gone.key.keyid), { code: 'NO_KEY', message: /several keys begin/ });
    assert.deepEqual(await forgetKey(home, gone.key.keyid.slice(0, 8), { account: 'bob' }), gone);
    assert.deepEqual(
      (await listKeys(home)).map(({ account }) => account),
      ['eve', 'ann'],
    );
  });

  it('is never guessed at when it is damaged, and stays as it is', async () => {
    const home = join(directory, 'damaged');
    await rememberKey(home, await record('ann', { kind: 'phrase' }));
    const good = await readFile(ringOf(home), 'utf8');
    const damaged: readonly (readonly [string, string])[] = [
      [good.slice(0, -9), 'cut off'],
      [good.replace('"format":1', '"format":2'), 'a later format'],
      [good.replace('phrase', 'oracle'), 'an unknown kind'],
      [good.replace(INDEX, 'ab'), 'no fingerprint'],
      [good.replace('"account":"ann"', '"account":7'), 'no name'],
      [good.replace('2026-11-21', 'tomorrow'), 'no time'],
      ['[]', 'no object'],
      ['', 'nothing'],
    ];
    for (const [text, what] of damaged) {
      assert.notEqual(text, good, what);
      await writeFile(ringOf(home), text);
      await assert.rejects(listKeys(home), { code: 'KEY_RING', message: /keys\.json is not a list of keys/ }, what);
      await assert.rejects(rememberKey(home, await record('bob', { kind: 'phrase' })), { code: 'KEY_RING' });
      assert.equal(await readFile(ringOf(home), 'utf8'), text);
    }
  });

  it('also keeps which first root a trusted root goes back to', async () => {
    const home = join(directory, 'roots');
    assert.equal(await knownFirstRoot(home, INDEX), undefined);
    await rememberFirstRoot(home, INDEX, 'cd'.repeat(32));
    await rememberKey(home, await record('ann', { kind: 'phrase' }));
    assert.equal(await knownFirstRoot(home, INDEX), 'cd'.repeat(32));
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { makeDeveloper } from '../../index/test/support/developer.ts';
import { serveIndex, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { type Ended, holdfast } from './holdfast.ts';

type Run = (...args: readonly string[]) => Promise<Ended>;

const wheel = (version: string) => makeWheel({ name: 'flask', version });

/** A computer that trusts the index, with an account's token and key. */
async function computer(
  t: Parameters<typeof temporaryDirectory>[0],
  served: ServedIndexUnderTest,
  account: string,
): Promise<{ readonly run: Run; readonly token: string; readonly directory: string }> {
  const directory = await temporaryDirectory(t, account);
  if (account !== 'ann') await served.index.accounts.createAccount(account);
  const { token } = await served.index.accounts.createToken({ account, label: 'commands' });
  await writeFile(join(directory, 'root.json'), served.root);
  await writeKeyFile(join(directory, 'own.key'), await generateKey('ed25519'), undefined);
  const env = { HOLDFAST_TOKEN: token, HOLDFAST_KEY_PASSPHRASE: 'none' };
  const run: Run = (...args) => holdfast(directory, args, env);
  for (const line of [`trust add main ${served.url} --root root.json`, 'key create --file own.key', 'account add-key'])
    await good(run(...line.split(' ')));
  return { run, token, directory };
}

async function good(command: Promise<Ended>, code = 0): Promise<Ended> {
  const ended = await command;
  assert.equal(ended.code, code, ended.err);
  return ended;
}

async function waits(run: Run): Promise<{ staged: string[]; changes: number[] }> {
  const said = JSON.parse((await good(run('status', 'flask', '--json'))).out) as {
    staged: { filename: string }[];
    waiting: { id: number; waits_until: string }[];
  };
  for (const { waits_until } of said.waiting) assert.ok(Date.parse(waits_until) > Date.now() + 29 * 86_400_000);
  return { staged: said.staged.map(({ filename }) => filename).sort(), changes: said.waiting.map(({ id }) => id) };
}

test('files that CI brought and nobody wants to sign are thrown away, and changes that wait are taken back, by who may', {
  timeout: 300_000,
}, async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const [ann, bob] = [await computer(t, served, 'ann'), await computer(t, served, 'bob')];
  const first = join(ann.directory, wheel('1.0').filename);
  await writeFile(first, wheel('1.0').bytes);
  await good(ann.run('upload', first));
  await writeFile(join(ann.directory, 'bob.code'), (await good(bob.run('key', 'code'))).out);
  await good(ann.run('rotate', 'flask', '--add', 'bob.code'));
  const nothing = await good(ann.run('discard', 'flask', '--yes'));
  assert.match(nothing.err, /No file of flask waits/);

  for (const version of ['1.1', '1.2', '1.3'])
    assert.equal((await upload({ url: served.url, token: ann.token }, wheel(version))).status, 200);
  assert.equal((await upload({ url: served.url, token: bob.token }, wheel('1.4'))).status, 200);
  const asked = await good(ann.run('discard', 'flask', 'dist/flask-1.1-py3-none-any.whl'), 2);
  assert.match(asked.err, /flask-1\.1-.*sha256 [0-9a-f]{64} {2}brought by ann on[\s\S]*Say so with --yes/);
  const published = await good(ann.run('discard', 'flask', 'flask-1.0-py3-none-any.whl', '--yes'), 1);
  assert.match(published.err, /nothing waits for flask under the name flask-1\.0[\s\S]*yank/);
  assert.equal((await waits(ann.run)).staged.length, 4);
  const one = await good(ann.run('discard', 'flask', 'dist/flask-1.1-py3-none-any.whl', '--yes'));
  assert.match(one.err, /Thrown away: flask-1\.1-py3-none-any\.whl\. These names can be uploaded again/);
  // Bob holds a key and is no member: he throws away what he brought.
  const mixed = await good(bob.run('discard', 'flask', '--yes', '--json'), 1);
  const said = JSON.parse(mixed.out) as { gone: string[]; kept: { what: string; why: string }[] };
  assert.deepEqual(said.gone, ['flask-1.4-py3-none-any.whl']);
  assert.deepEqual(
    said.kept.map(({ what }) => what),
    ['flask-1.2-py3-none-any.whl', 'flask-1.3-py3-none-any.whl'],
  );
  assert.match(mixed.err, /flask-1\.2-py3-none-any\.whl is kept: .*brought by somebody else/);
  await good(ann.run('discard', 'flask', '--yes'));
  assert.deepEqual(await waits(ann.run), { staged: [], changes: [] });

  await good(ann.run('rotate', 'flask', '--threshold', '2'), 3);
  await good(bob.run('sign', 'flask', '--yes'));
  await good(bob.run('yank', 'flask', '1.0'), 3);
  assert.equal((await waits(ann.run)).changes.length, 1);
  assert.match((await good(ann.run('withdraw', 'flask', '--yes'))).err, /No change of yours of flask waits/);
  assert.match((await good(bob.run('withdraw', 'flask'), 2)).err, /~ flask-1\.0-.* is yanked[\s\S]*Take this back\?/);
  assert.match((await good(bob.run('withdraw', 'flask', '--yes'))).err, /Taken back: a change by bob of/);
  assert.deepEqual((await waits(ann.run)).changes, []);
  await good(bob.run('yank', 'flask', '1.0'), 3);
  assert.match((await good(ann.run('withdraw', 'flask', '--all', '--yes'))).err, /Taken back: a change by bob of/);

  const other = makeWheel({ name: 'flask', version: '1.2', extra: [['other.py', '']] });
  assert.equal((await upload({ url: served.url, token: ann.token }, other)).status, 200, 'the name is free');
  const eve = await makeDeveloper(served, 'eve');
  const stranger = await holdfast(ann.directory, ['discard', 'flask', '--yes'], { HOLDFAST_TOKEN: eve.token });
  assert.match(stranger.err, /No file of flask waits, as far as the index tells you/);
  assert.deepEqual((await waits(ann.run)).staged, [other.filename]);
});

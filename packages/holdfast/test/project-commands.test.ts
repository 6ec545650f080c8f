import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { serveIndex, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { type Ended, holdfast } from './holdfast.ts';

/** Somebody with a key file, nobody at the terminal. */
interface Person {
  readonly directory: string;
  readonly token: string;
  run(...args: readonly string[]): Promise<Ended>;
  runWith(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended>;
  wheel(version: string, platform?: string): Promise<string>;
}

async function person(t: TestContext, served: ServedIndexUnderTest, account: string): Promise<Person> {
  const directory = await temporaryDirectory(t, account);
  if (account !== 'ann') await served.index.accounts.createAccount(account);
  const { token } = await served.index.accounts.createToken({ account, label: 'commands' });
  await writeFile(join(directory, 'root.json'), served.root);
  await mkdir(join(directory, 'dist'));
  // Deriving a key from a passphrase at every command would be most of what this test does.
  await writeKeyFile(join(directory, 'own.key'), await generateKey('ed25519'), undefined);
  const env = { HOLDFAST_TOKEN: token, HOLDFAST_KEY_PASSPHRASE: 'none' };
  const made: Person = {
    directory,
    token,
    run: (...args) => holdfast(directory, args, env),
    runWith: (more, ...args) => holdfast(directory, args, { ...env, ...more }),
    async wheel(version, platform = 'any') {
      const { filename, bytes } = makeWheel({ name: 'flask', version });
      const path = join('dist', filename.replace('any.whl', `${platform}.whl`));
      await writeFile(join(directory, path), bytes);
      return path;
    },
  };
  await good(made.run('trust', 'add', 'main', served.url, '--root', 'root.json'));
  await good(made.run('key', 'create', '--file', 'own.key'));
  await good(made.run('account', 'add-key'));
  return made;
}

async function good(command: Promise<Ended>): Promise<Ended> {
  const ended = await command;
  assert.equal(ended.code, 0, ended.err);
  return ended;
}

/** One sentence, what to do, and no stack trace. */
async function refuses(command: Promise<Ended>, sentence: RegExp, remedy: RegExp, code = 1): Promise<void> {
  const { err, code: found } = await command;
  assert.equal(found, code, err);
  const at = err.split('\n').findIndex((line) => line.startsWith('holdfast: '));
  const [said = '', ...rest] = err.split('\n').slice(at).filter(Boolean);
  assert.match(said, sentence);
  assert.match(said, /^holdfast: .*[.!?]$/);
  assert.match(rest.join('\n'), remedy);
  assert.ok(rest.length <= 1 && !/\n\s+at /.test(err), err);
  assert.ok(err.split('Nothing was changed').length <= 2, err);
}

test('every wrong request gets one sentence and what to do about it, and changes nothing', {
  timeout: 300_000,
}, async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const [ann, bob] = [await person(t, served, 'ann'), await person(t, served, 'bob')];
  await good(ann.run('upload', await ann.wheel('1.0')));
  await writeFile(join(ann.directory, 'bob.code'), (await good(bob.run('key', 'code'))).out);
  const windows = ['--name', 'windows', '--to', 'bob.code', '--paths', '*-win_amd64.whl'];
  await good(ann.run('delegate', 'flask', ...windows));
  const state = async (): Promise<string> => {
    const { looked_at: _now, ...rest } = JSON.parse((await good(ann.run('status', 'flask', '--json'))).out) as {
      looked_at: string;
    };
    return JSON.stringify(rest);
  };
  const before = await state();

  // Keys and what they may sign.
  await refuses(
    bob.run('upload', await bob.wheel('1.1')),
    /[Yy]our key \w+ may sign for flask: windows|outside of what your key/,
    /Leave the file out/,
  );
  await refuses(bob.run('claim', 'flask', '--yes'), /is claimed already, by/, /holdfast rotate flask --add CODE/);
  await refuses(bob.run('revoke', 'flask', '--sure', 'flask'), /none of those that sign for project\.flask/, /--key/);
  await refuses(
    ann.run('upload', '--key', 'ffff', await ann.wheel('1.1')),
    /[Nn]o key ffff is known here/,
    /holdfast key/,
  );
  const phrase = { HOLDFAST_KEY_PASSPHRASE: 'wrong' };
  await writeKeyFile(join(ann.directory, 'locked.key'), await generateKey('ed25519'), 'right');
  await refuses(ann.runWith(phrase, 'key', 'create', '--file', 'locked.key'), /passphrase/i, /passphrase/i);
  const agent = { SSH_AUTH_SOCK: join(ann.directory, 'no-agent') };
  const fingerprint = `SHA256:${'A'.repeat(43)}`;
  await refuses(ann.runWith(agent, 'key', 'create', '--ssh', fingerprint), /SSH agent/, /./);

  const two = ['--name', 'mac', '--to', 'bob.code', '--paths', '*-macos.whl', '--threshold', '2'];
  await refuses(
    ann.run('delegate', 'flask', ...two),
    /2 different keys would have to sign, and there is one/,
    /key code/,
  );

  // Files.
  const changed = makeWheel({ name: 'flask', version: '1.0', extra: [['more.py', '']] });
  await writeFile(join(ann.directory, 'dist', changed.filename), changed.bytes);
  await refuses(
    ann.run('upload', join('dist', changed.filename)),
    /publishes .* with other content/,
    /Nothing was changed/,
  );
  await refuses(ann.run('upload', 'root.json'), /not the name of a distribution file/, /Nothing was changed/);
  await refuses(ann.run('upload', 'dist/absent-1.0-py3-none-any.whl'), /does not exist/, /spelled/);
  await refuses(ann.run('upload'), /FILE is missing/, /holdfast help upload/, 2);

  // Times and numbers.
  await refuses(ann.run('sign', 'flask', '--renew', '--expires', '2020-01-01'), /is over already/, /help/, 2);
  await refuses(ann.run('sign', 'flask', '--renew', '--expires', '2020-02-31'), /takes a date/, /help/, 2);
  await refuses(ann.run('sign', 'flask', '--renew', '--expires', '9999d'), /valid until/, /./);
  await refuses(ann.run('rotate', 'flask', '--threshold', '2'), /2 different keys would have to sign/, /key code/);
  await refuses(ann.run('rotate', 'flask'), /how it is already/, /--add CODE/);
  await refuses(ann.run('rotate', 'flask', '--add', 'nonsense'), /neither a code nor a file/, /Copy it whole/);

  // Delegations.
  const mine = ['--name', 'mine', '--to', 'bob.code', '--paths'];
  await refuses(
    bob.run('delegate', 'flask', '--name', 'windows.arm', '--to', '../x', '--paths', '*-win_arm64.whl'),
    /code/,
    /Copy it/,
  );
  await refuses(
    ann.run('delegate', 'flask', ...mine, '../other/*'),
    /A pattern of filenames has letters and digits/,
    /./,
  );
  await refuses(
    ann.run('undelegate', 'flask', 'linux'),
    /delegates nothing under the name linux; what there is: windows/,
    /status/,
  );

  // Questions that nobody is there to answer.
  await refuses(ann.run('revoke', 'flask'), /--sure PROJECT/, /help/, 2);
  await refuses(ann.run('yank', 'flask', '9.9'), /neither a file nor a version/, /status flask/);
  await refuses(ann.run('claim', 'nothing-yet', '--yes'), /publishes nothing yet/, /holdfast upload/);
  await refuses(holdfast(ann.directory, ['upload', await ann.wheel('1.1')]), /API token/, /HOLDFAST_TOKEN|token/);
  assert.equal(await state(), before);
});

test('programs are told what was done as JSON, and what waits', { timeout: 300_000 }, async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await person(t, served, 'ann');
  const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await good(ann.run(...args, '--json'))).out) as Record<string, unknown>;
  const first = await json('upload', await ann.wheel('1.0'));
  assert.deepEqual(
    [first['state'], first['claimed'], first['published'], first['standing']],
    ['published', true, ['flask-1.0-py3-none-any.whl'], 'recently-claimed'],
  );
  assert.equal((await json('upload', await ann.wheel('1.0')))['state'], 'nothing');
  const brought = makeWheel({ name: 'flask', version: '1.1' });
  assert.equal((await upload({ url: served.url, token: ann.token }, brought)).status, 200);
  const status = await json('status', 'flask');
  const [staged] = status['staged'] as { filename: string; account: string }[];
  assert.deepEqual([staged?.filename, staged?.account], [brought.filename, 'ann']);
  const [role] = status['roles'] as { role: string; keys: { yours: boolean }[]; files: number }[];
  assert.deepEqual([role?.role, role?.keys[0]?.yours, role?.files], ['project.flask', true, 1]);
  assert.deepEqual((await json('sign', 'flask', '--yes'))['published'], [brought.filename]);
  assert.equal((await json('yank', 'flask', '1.1'))['state'], 'published');
  assert.equal((await json('sign', 'flask', '--yes'))['state'], 'nothing');
  const unauthorized = await holdfast(ann.directory, ['status', 'flask']);
  assert.equal(unauthorized.code, 0, 'everybody may see who signs');
  assert.match(unauthorized.out, /flask {2}recently claimed[\s\S]*project\.flask[\s\S]*2 files: 1\.1, 1\.0/);
});

test('what a change by another holder lists is signed with that change, once (M2)', { timeout: 300_000 }, async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const [ann, bob] = [await person(t, served, 'ann'), await person(t, served, 'bob')];
  const json = (ended: Ended): Record<string, unknown> => JSON.parse(ended.out) as Record<string, unknown>;
  await good(ann.run('upload', await ann.wheel('1.0')));
  await writeFile(join(ann.directory, 'bob.code'), (await good(bob.run('key', 'code'))).out);
  assert.equal((await ann.run('rotate', 'flask', '--add', 'bob.code', '--threshold', '2')).code, 3);
  await good(bob.run('sign', 'flask', '--yes'));

  const release = await ann.wheel('1.1');
  const sent = await ann.run('upload', release, '--json');
  assert.equal(sent.code, 3, sent.out + sent.err);
  assert.deepEqual([json(sent)['published'], json(sent)['signed']], [[], ['flask-1.1-py3-none-any.whl']]);
  const mine = await good(ann.run('sign', 'flask', '--yes'));
  assert.match(mine.err, /flask-1\.1-.* waits, too, in a change that others have to sign\.\nNothing of flask waits/);
  // Naming the file asks for that file, and not for all that wait.
  const brought = makeWheel({ name: 'flask', version: '1.2' });
  assert.equal((await upload({ url: served.url, token: ann.token }, brought)).status, 200);
  assert.equal(json(await good(ann.run('sign', 'flask', release, '--yes', '--json')))['state'], 'nothing');
  await good(ann.run('discard', 'flask', brought.filename, '--yes'));

  const signed = await good(bob.run('sign', 'flask', '--yes', '--json'));
  assert.equal(json(signed)['state'], 'published');
  const status = json(await good(bob.run('status', 'flask', '--json')));
  const [role] = status['roles'] as { version: number; files: number }[];
  assert.deepEqual([role?.version, role?.files, status['waiting'], status['staged']], [3, 2, [], []]);

  // Two things in one command: one document.
  assert.equal((await ann.run('yank', 'flask', '1.1')).code, 3);
  assert.equal((await upload({ url: served.url, token: ann.token }, brought)).status, 200);
  const both = await bob.run('sign', 'flask', '--yes', '--json');
  assert.equal(both.code, 3, both.err);
  const { state, changes } = json(both) as { state: string; changes: { state: string; signed?: string[] }[] };
  assert.equal(state, 'waiting');
  assert.deepEqual(
    changes.map((change) => [change.state, change.signed]),
    [
      ['published', undefined],
      ['waiting', [brought.filename]],
    ],
  );
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { type Ended, ended, environment, holdfast, started, tools } from './holdfast.ts';

/** The whole way of an index, as people type it: init, account, token, serve, twine, trust, pip, uv, verify, download. */
const directory = await mkdtemp(join(tmpdir(), 'holdfast-command-'));
after(() => rm(directory, { recursive: true, force: true }));
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> => holdfast(directory, args, env);

/** One sentence that begins with `holdfast:`, a remedy, an exit code; never a stack. */
function refused({ code, out, err }: Ended, expected: number, sentence: RegExp): void {
  assert.equal(code, expected, err);
  assert.match(err, sentence);
  assert.match(err, /^holdfast: .*\.\n {2}\S/, err);
  assert.doesNotMatch(err, /\n\s+at |HOLDFAST_DEBUG|\[object/);
  assert.equal(out, '');
}

test('what was mistyped is named, with exit code 2', async () => {
  const usage: [readonly string[], RegExp][] = [
    [['nonsense'], /there is no command "nonsense"/],
    [['account', 'nonsense'], /there is no command "account nonsense"/],
    [['help', 'nonsense'], /there is no command "nonsense"/],
    [['init'], /DIRECTORY is missing/],
    [['init', 'index'], /--offline-keys DIRECTORY is missing/],
    [['init', 'index', '--offline-keys', 'off', '--root-keys', '1'], /a threshold cannot be larger/],
    [['init', 'index', '--offline-keys', 'off', '--timestamp-lifetime', '1s'], /takes a time from 5s to 400d/],
    [['serve', 'index', '--port', '99999'], /--port takes a whole number from 0 to 65535, not "99999"/],
    [['serve', 'index', '--log-level', 'loud'], /--log-level takes one of trace, .*, not "loud"/],
    [['serve', 'index', '--frob'], /: Unknown option '--frob'\.\n {2}holdfast help serve shows/],
    [['key'], /"key" is the first word of "key create", .*\n {2}holdfast help key shows/],
    [['trust', 'add'], /NAME is missing/],
    [['trust', 'add', 'main', 'http://127.0.0.1:1'], /give either --root FILE or --fingerprint HEX/],
    [['run'], /COMMAND is missing/],
    [['pip', '--index'], /--index needs a value/],
    [['verify'], /FILE is missing/],
    [['download'], /FILENAME is missing/],
    [['proxy', 'extra'], /"extra" is one argument too many/],
  ];
  for (const [args, sentence] of usage) refused(await run(args), 2, sentence);
  const { code, out, err } = await run(['help']);
  assert.deepEqual([code, err], [0, '']);
  for (const name of ['init', 'serve', 'trust add', 'pip', 'verify']) assert.ok(out.includes(`  holdfast ${name} `));
  assert.match(out, /\n\nTo publish them.*\n {2}holdfast upload /);
});

test('--help is understood wherever it stands, unless it belongs to another program', async () => {
  for (const args of [
    ['init', '--help'],
    ['init', 'index', '-h'],
    ['init', '--model', 'legacy', '--help'],
  ]) {
    const { code, out, err } = await run(args);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^holdfast init DIRECTORY /);
  }
  assert.match((await run(['key', '--help'])).out, /^holdfast key create [^]*^holdfast key forget /m);
  for (const args of [
    ['pip', 'install', '--help'],
    ['run', '--', 'tox', '--help'],
    ['verify', '--', '--help'],
  ])
    assert.doesNotMatch((await run(args)).out, /^holdfast /);
});

test('init keeps the offline keys outside the index, and mixes with nothing that is there', async () => {
  await mkdir(join(directory, 'full'));
  await writeFile(join(directory, 'full/file'), '');
  refused(await run(['init', 'index', '--offline-keys', 'index/keys']), 1, /index\/keys lies inside the index/);
  refused(await run(['init', 'full', '--offline-keys', 'offline']), 2, /full is not empty/);
  refused(await run(['init', 'index', '--offline-keys', 'full']), 1, /full holds keys already/);
  const nobody = { HOLDFAST_PASSPHRASE: '' };
  refused(await run(['init', 'index', '--offline-keys', 'offline'], nobody), 2, /set HOLDFAST_PASSPHRASE/);
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name === 'index' || name === 'offline'),
    [],
  );

  const made = await run(['init', 'index', '--offline-keys', 'offline']);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /Now take .*offline away from this machine/);
  assert.match(made.out, /Root fingerprint \(SHA-256 of root\.json\)\n( {1,2}[0-9a-f]{4}){1}/);
  const offline = (await readdir(join(directory, 'offline'))).sort();
  assert.deepEqual(offline, ['root-1', 'root-2', 'root-3', 'root.json', 'targets-1', 'targets-2', 'transcript.txt']);
  assert.equal((await readdir(join(directory, 'index/keys'))).length, 1, 'only the online key is with the index');
});

let token = '';
test('accounts and tokens are made, listed and revoked; a token is shown once', async () => {
  refused(await run(['account', 'create', 'nowhere', 'ann']), 1, /nowhere holds no index/);
  refused(await run(['account', 'create', 'index', 'Bad Name']), 1, /"Bad Name" is not an account name/);
  refused(await run(['token', 'create', 'index', 'ann']), 1, /there is no account ann/);
  assert.equal((await run(['account', 'create', 'index', 'ann'])).code, 0);
  refused(await run(['account', 'create', 'index', 'ann']), 1, /the account ann exists/);
  refused(await run(['token', 'create', 'index', 'ann', '--project', 'no name!']), 1, /is not a project name/);

  const created = await run(['token', 'create', 'index', 'ann', '--label', 'laptop']);
  token = created.out.trim();
  assert.match(token, /^hf_\w{40,}$/);
  const [, id = ''] = /token (\w+)\. It is not shown again/.exec(created.err) ?? [];
  const lost = await run(['token', 'create', 'index', 'ann', '--project', 'Demo']);
  const [, lostId = ''] = /token (\w+)\./.exec(lost.err) ?? [];
  assert.equal((await run(['token', 'revoke', 'index', lostId])).code, 0);
  refused(await run(['token', 'revoke', 'index', lostId]), 2, /there is no valid token/);

  const listed = await run(['token', 'list', 'index', '--json']);
  assert.doesNotMatch(listed.out, /hf_/);
  const tokens = JSON.parse(listed.out) as { id: string; project?: string; label: string; revokedAt?: string }[];
  assert.deepEqual(
    tokens.map((each) => [each.id, each.project, each.label, each.revokedAt !== undefined]),
    [
      [id, undefined, 'laptop', false],
      [lostId, 'demo', '', true],
    ],
  );
});

test('serve refuses what it cannot serve, in a sentence', async () => {
  refused(await run(['serve', 'nowhere', '--port', '0']), 1, /nowhere holds no index/);
  const wrong = { HOLDFAST_PASSPHRASE: 'wrong' };
  refused(await run(['serve', 'index', '--port', '0'], wrong), 1, /the passphrase is wrong or the file was changed/);
  refused(await run(['serve', 'index', '--port', '0', '--passphrase-file', 'none']), 1, /none does not exist/);
});

test('serve, twine, trust, pip, uv, run, proxy, verify, download: the way of a file', async (t) => {
  const server = await started(directory, ['serve', 'index', '--port', '0'], /Serving at (http:\S+)\n/);
  t.after(() => server.child.kill('SIGKILL'));
  const url = server.found;
  const wheel = makeWheel();
  const path = join(directory, wheel.filename);
  await writeFile(path, wheel.bytes);

  await t.test('a second serve of the same index is refused while the first serves', async () => {
    refused(await run(['serve', 'index', '--port', '0']), 1, /another process serves the index in index/);
    const port = new URL(url).port;
    await run(['init', 'second', '--offline-keys', 'offline-2']);
    refused(await run(['serve', 'second', '--port', port]), 1, /The port is used by another program/);
  });

  await t.test('real twine uploads; what it was told wrong, it says', async () => {
    const twine = (password: string): Promise<Ended> => {
      const login = ['--username', '__token__', '--password', password];
      const args = ['upload', '--non-interactive', '--repository-url', `${url}/legacy/`, ...login, path];
      return ended(spawn(join(tools, 'twine'), args, { cwd: directory, env: environment(directory) }));
    };
    assert.notEqual((await twine('hf_wrong')).code, 0);
    const { code, out, err } = await twine(token);
    assert.equal(code, 0, out + err);
  });

  await t.test('trust begins with a root file or a fingerprint, and with no other', async () => {
    const { code, err } = await run(['pip', 'install', 'demo']);
    assert.equal(code, 1);
    assert.match(err, /No index is trusted yet\.\n {2}Add one: holdfast trust add/);
    refused(
      await run(['trust', 'add', 'main', url, '--fingerprint', 'a'.repeat(64)]),
      1,
      /No root metadata with the fingerprint a+/,
    );
    refused(await run(['trust', 'add', 'main', url, '--fingerprint', 'abc']), 1, /must be the 64 hex digits/);
    refused(await run(['trust', 'add', 'main', 'nowhere', '--root', 'offline/root.json']), 1, /is not an address/);
    refused(await run(['trust', 'add', 'main', url, '--root', 'none']), 1, /none does not exist/);
    assert.equal((await run(['trust', 'add', 'main', url, '--root', 'offline/root.json'])).code, 0);
    refused(await run(['trust', 'add', 'main', url, '--root', 'offline/root.json']), 1, /is trusted already/);

    const [trusted] = JSON.parse((await run(['trust', 'list', '--json'])).out) as {
      name: string;
      fingerprint: string;
    }[];
    assert.equal(trusted?.name, 'main');
    const found = await run(['trust', 'add', 'again', url, '--fingerprint', trusted.fingerprint]);
    assert.equal(found.code, 0, found.err);
    assert.equal((await run(['trust', 'remove', 'again'])).code, 0);
    refused(await run(['trust', 'remove', 'again']), 1, /No index named "again" is trusted/);
  });

  await t.test('pip, uv and run install, and end with the exit code of the tool', async () => {
    const into = (name: string): string[] => ['install', '--target', join(directory, name), 'demo'];
    for (const args of [
      ['pip', ...into('by-pip')],
      ['uv', 'pip', ...into('by-uv')],
      ['run', '--', 'pip', ...into('by-run')],
    ]) {
      const { code, err, out } = await run(args);
      assert.equal(code, 0, out + err);
      assert.match(err, /holdfast: verified 1 file from main, timestamp \d+, valid for 23 hours\n$/);
    }
    for (const name of ['by-pip', 'by-uv', 'by-run']) await readFile(join(directory, name, 'demo.py'));
    assert.equal((await run(['run', '--', 'sh', '-c', 'exit 7'])).code, 7);
    refused(await run(['run', '--', 'no-such-tool']), 1, /no-such-tool was not found/);
    refused(await run(['run', '--index', 'other', '--', 'true']), 1, /No index named "other" is trusted/);
  });

  await t.test('proxy says where it is, serves a verified page, and ends at SIGTERM with 0', async () => {
    const proxy = await started(directory, ['proxy'], /^main {2}(http:\S+)\n/);
    const page = await fetch(`${proxy.found}demo/`);
    assert.match(await page.text(), /demo-1\.0-py3-none-any\.whl/);
    proxy.child.kill('SIGTERM');
    assert.equal((await proxy.end).code, 0);
  });

  await t.test('verify and download tell who vouched; --json is JSON; other bytes are exit code 1', async () => {
    const good = await run(['verify', wheel.filename, '--chain']);
    assert.equal(good.code, 0, good.err);
    assert.match(good.out, /✓ demo-1\.0-py3-none-any\.whl {2}main: root → targets → unclaimed, key [0-9a-f]{12}/);
    await mkdir(join(directory, 'bad'), { recursive: true });
    await writeFile(join(directory, 'bad', wheel.filename), 'not a wheel');
    const bad = await run(['verify', '--json', wheel.filename, join('bad', wheel.filename), 'offline/root.json']);
    assert.equal(bad.code, 1);
    const verdicts = (JSON.parse(bad.out) as { verdict: string }[]).map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, ['verified', 'different', 'not-a-distribution']);
    refused(await run(['verify', 'none.whl']), 1, /none\.whl does not exist/);

    const fetched = await run(['download', 'demo==1.0', '--to', 'fetched', '--json']);
    const [file] = JSON.parse(fetched.out) as { path: string; size: number }[];
    assert.equal(file?.size, wheel.bytes.length);
    assert.deepEqual(await readFile(join(directory, file.path)), wheel.bytes);
    refused(await run(['download', 'demo']), 1, /must be PROJECT==VERSION or the exact name of a file/);
    refused(await run(['download', 'demo==9']), 1, /main does not vouch for demo==9/);
  });

  await t.test('SIGTERM ends serve with 0, and the index can be served again', async () => {
    server.child.kill('SIGTERM');
    const { code, err } = await server.end;
    assert.equal(code, 0, err);
    for (const line of err
      .trim()
      .split('\n')
      .filter((each) => each !== ''))
      JSON.parse(line);
    const again = await started(directory, ['serve', 'index', '--port', '0'], /Serving at (http:\S+)\n/);
    again.child.kill('SIGINT');
    assert.equal((await again.end).code, 0);
  });
});

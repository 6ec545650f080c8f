import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseRoot, parseTargets } from '@holdfast/tuf';
import { readFirst } from '@holdfast/operator';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { atTerminal } from './at-terminal.ts';
import { type Ended, holdfast } from './holdfast.ts';

interface Place {
  readonly directory: string;
  run(...args: readonly string[]): Promise<Ended>;
  fails(sentence: RegExp, ...args: readonly string[]): Promise<void>;
}

async function place(t: TestContext, env: NodeJS.ProcessEnv = {}): Promise<Place> {
  const directory = await temporaryDirectory(t, 'ceremony');
  return {
    directory,
    async run(...args) {
      const ended = await holdfast(directory, args, env);
      assert.equal(ended.code, 0, ended.err);
      return ended;
    },
    async fails(sentence, ...args) {
      const { code, err } = await holdfast(directory, args, env);
      assert.notEqual(code, 0, args.join(' '));
      assert.match(err, sentence);
      assert.match(err, /^holdfast: .*\.\n {2}\S/m);
    },
  };
}

test('an index begins with its online key alone, and is completed by its own ceremony only (P5)', async (t) => {
  const at = await place(t);
  const { directory } = at;
  await at.run('init', 'one', '--request', 'one.json');
  await at.run('init', 'two', '--request', 'two.json');
  assert.deepEqual(await readdir(join(directory, 'one')), ['keys']);
  const waits = /one has the online key of an index that its key ceremony has not completed yet/;
  await at.fails(waits, 'init', 'one', '--request', 'again.json');
  await at.fails(/holdfast init DIRECTORY --ceremony first\.bundle/, 'serve', 'one', '--port', '0');
  const request = await readFile(join(directory, 'one.json'), 'utf8');
  assert.doesNotMatch(request, /private/);

  await at.run(
    'admin',
    'ceremony',
    'two.json',
    'of-two',
    '--model',
    'legacy',
    '--root-keys',
    '1',
    '--root-threshold',
    '1',
  );
  await at.fails(/of-two holds keys already/, 'admin', 'ceremony', 'one.json', 'of-two');
  const bundle = 'of-two/first.bundle';
  await at.fails(/online|key/, 'init', 'one', '--ceremony', bundle);
  assert.deepEqual(await readdir(join(directory, 'one')), ['keys'], 'what failed left the key, and nothing else');
  await at.fails(/nowhere holds no index/, 'init', 'nowhere', '--ceremony', bundle);
  await at.fails(/one\.json cannot be used: it is damaged/, 'init', 'two', '--ceremony', 'one.json');
  await at.fails(/give one of --request and --ceremony/, 'init', 'two', '--ceremony', bundle, '--request', 'x');

  const { out } = await at.run('init', 'two', '--ceremony', bundle);
  const [, fingerprint = ''] = /Root fingerprint: ([0-9a-f]{64})/.exec(out) ?? [];
  const paper = await readFile(join(directory, 'of-two', 'transcript.txt'), 'utf8');
  assert.ok(paper.replaceAll(' ', '').includes(fingerprint));
  assert.match(paper, /model +legacy/);
  const first = await readFirst(join(directory, bundle));
  assert.deepEqual([...first.roles.keys()], ['claimed']);
  assert.deepEqual(
    parseTargets(first.targets).signed.delegations?.roles.map(({ name }) => name),
    ['claimed', 'recently-claimed', 'unclaimed'],
  );
  assert.doesNotMatch(Buffer.from(first.root).toString(), /private/);
  await at.fails(/two is not empty/, 'init', 'two', '--ceremony', bundle);
});

test('what no ceremony could use is refused before any key is made', async (t) => {
  const at = await place(t);
  await at.run('init', 'index', '--request', 'request.json');
  await writeFile(join(at.directory, 'wrong.json'), '{"format":"holdfast-offline-request-2"}');
  await Promise.all([
    at.fails(/it is no holdfast-offline-request-1/, 'admin', 'ceremony', 'wrong.json', 'keys'),
    at.fails(/missing does not exist/, 'admin', 'ceremony', 'missing', 'keys'),
    at.fails(
      /--model takes minimum, legacy or maximum/,
      'admin',
      'ceremony',
      'request.json',
      'keys',
      '--model',
      'most',
    ),
    at.fails(/a threshold cannot be larger/, 'admin', 'ceremony', 'request.json', 'keys', '--root-threshold', '4'),
    at.fails(/"nobody" is none of root/, 'admin', 'key', 'keys', 'nobody'),
    at.fails(/--key KEY is missing/, 'admin', 'sign', 'request.json'),
    at.fails(/request.json cannot be used/, 'admin', 'review', 'request.json'),
    at.fails(/belong to --decide/, 'admin', 'review', 'request.json', '--exclude', 'flask'),
  ]);
  assert.deepEqual((await readdir(at.directory)).includes('keys'), false);
});

test('holders bring keys of their SSH agents to the ceremony, and sign with them later (M3)', async (t) => {
  const home = await temporaryDirectory(t, 'agent');
  const socket = join(home, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'pipe' });
  t.after(() => agent.kill());
  await once(agent.stdout, 'data');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, 'key')]);
  const env = { SSH_AUTH_SOCK: socket };
  execFileSync('ssh-add', ['-q', join(home, 'key')], { env: { ...process.env, ...env } });
  const listed = execFileSync('ssh-add', ['-l'], { env: { ...process.env, ...env } }).toString();
  const [fingerprint = ''] = /SHA256:\S+/.exec(listed) ?? [];
  const at = await place(t, env);
  await at.run('init', 'index', '--request', 'request.json');
  const key = `ssh:${fingerprint}`;
  const small = ['--root-keys', '1', '--root-threshold', '1', '--targets-keys', '1', '--targets-threshold', '1'];
  await at.run('admin', 'ceremony', 'request.json', 'keys', ...small, '--root-key', key, '--targets-key', key);
  assert.deepEqual(await readdir(join(at.directory, 'keys', 'root-1')), ['README.txt'], 'no private key was made');
  await at.run('init', 'index', '--ceremony', 'keys/first.bundle');

  await at.run('admin', 'key', 'carol', 'root', '--key', key);
  assert.deepEqual(await readdir(join(at.directory, 'carol')), ['root.public.json']);
  await at.run('admin', 'key', 'dave', 'root');
  const wish = ['--add', 'root=dave/root.public.json', '--renew', 'claimed'];
  await at.run('admin', 'export', 'index', 'file', ...wish);
  const signed = (await at.run('admin', 'sign', 'file', '--key', key)).out.trim();
  await at.run('admin', 'import', 'index', 'file', signed);
  await at.run('admin', 'export', 'index', 'next', '--no-quiet');
  assert.match((await at.run('admin', 'review', 'next', '--root', 'keys/root.json')).out, /after publication \d+/);
  const root = parseRoot(await readFile(join(at.directory, 'index/objects/metadata/2.root.json'))).signed;
  assert.equal(root.roles.get('root')?.keyids.length, 2);
  await at.fails(
    /root=frob.*no key of root|frob is no key of root/,
    'admin',
    'export',
    'index',
    'x',
    '--remove',
    'root=frob',
  );
  await at.fails(/so 3 of them cannot be needed/, 'admin', 'export', 'index', 'x', '--threshold', 'root=3');
});

test('offline keys take no weak passphrase, and a refused one leaves nothing', async (t) => {
  const weak = { HOLDFAST_OFFLINE_PASSPHRASE: 'correct horse' };
  const at = await place(t);
  await at.run('init', 'index', '--request', 'request.json');
  for (const args of [
    ['admin', 'ceremony', 'request.json', 'keys'],
    ['admin', 'key', 'carol', 'root'],
    ['init', 'other', '--offline-keys', 'keys'],
  ]) {
    const { code, err } = await holdfast(at.directory, args, weak);
    assert.equal(code, 1, args.join(' '));
    assert.match(
      err,
      /^holdfast: this would be guessed in about 2\^\d+ tries, and 2\^45 are the least: .*\n {2}Nothing/m,
    );
    assert.deepEqual(
      (await readdir(at.directory, { recursive: true })).filter((name) => /root|targets/.test(name)),
      [],
    );
  }
  await at.run('admin', 'ceremony', 'request.json', 'keys');
});

test('at a terminal a slip of one holder does not end the ceremony', async (t) => {
  const at = await place(t);
  await at.run('init', 'index', '--request', 'request.json');
  const good = 'glacial icky reprogram outrage';
  const one = ['--root-keys', '1', '--root-threshold', '1', '--targets-keys', '1', '--targets-threshold', '1'];
  const typed = (holder: string, first: string, second: string) =>
    [
      [new RegExp(`Passphrase of ${holder}: $`), first],
      [/The same again: $/, second],
    ] as const;
  const { code, shown } = await atTerminal(
    at.directory,
    ['admin', 'ceremony', 'request.json', 'keys', ...one],
    [
      ...typed('root-1', good, `${good}s`),
      ...typed('root-1', 'swordfish', 'swordfish'),
      ...typed('root-1', good, good),
      ...typed('targets-1', good, good),
    ],
    { HOLDFAST_OFFLINE_PASSPHRASE: '' },
  );
  assert.equal(code, 0, shown);
  assert.match(shown, /Not that one: what was typed the second time differs[^]*Not that one: this would be guessed/);
  assert.ok(!shown.includes(good));
});

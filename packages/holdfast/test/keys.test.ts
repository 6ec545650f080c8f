import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { type ServedIndexUnderTest, serveIndex } from '../../index/test/support/served-index.ts';
import { atTerminal } from './at-terminal.ts';
import { type Ended, holdfast } from './holdfast.ts';

const PHRASE = 'sizzle brick happening agony spotty expanse ambush';
const PASSPHRASE = 'unlovable gullible cornmeal reissue';

/** A machine of ann, which trusts the index as `main`. */
class Machine {
  readonly directory: string;
  readonly token: string;

  constructor(directory: string, token: string) {
    this.directory = directory;
    this.token = token;
  }

  static async set(t: TestContext, { url, root, token }: ServedIndexUnderTest): Promise<Machine> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-keys-'));
    t.after(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'root.json'), root);
    const machine = new Machine(directory, token);
    assert.equal((await machine.run(['trust', 'add', 'main', url, '--root', 'root.json'])).code, 0);
    return machine;
  }

  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return holdfast(this.directory, args, { HOLDFAST_TOKEN: this.token, ...env });
  }

  /** Runs it, and fails unless it succeeds. */
  async does(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ out: string; err: string }> {
    const { code, out, err } = await this.run(args, env);
    assert.equal(code, 0, err);
    return { out: out.trim(), err };
  }

  /** One sentence that begins with `holdfast:`, a remedy; the list of keys stays as it was. */
  async refuses(args: readonly string[], sentence: RegExp, env: NodeJS.ProcessEnv = {}, expected = 1): Promise<void> {
    const before = await this.#list();
    const { code, out, err } = await this.run(args, env);
    assert.equal(code, expected, err);
    assert.match(err, sentence);
    assert.match(err, /holdfast: .*[.!?]\n {2}\S/, err);
    assert.doesNotMatch(err, /\n\s+at |HOLDFAST_DEBUG|\[object/);
    assert.equal(out, '');
    assert.equal(await this.#list(), before);
  }

  async #list(): Promise<string> {
    const path = join(this.directory, 'home/developer/keys.json');
    return existsSync(path) ? readFile(path, 'utf8') : '';
  }
}

test('one phrase is one key on two machines, registered once; a second key is vouched for (M1, M2)', async (t) => {
  const served = await serveIndex(t);
  const [laptop, desktop] = await Promise.all([Machine.set(t, served), Machine.set(t, served)]);
  const phrase = { HOLDFAST_PHRASE: PHRASE };

  const [made, offline] = await Promise.all([
    laptop.does(['key', 'create', 'main', '--phrase'], phrase),
    desktop.does(['key', 'create', '--phrase', '--account', 'ann'], { ...phrase, HOLDFAST_TOKEN: '' }),
  ]);
  assert.match(made.out, /^[0-9a-f]{64}$/);
  assert.match(
    made.err,
    /ann at main signs with key .* \(ed25519\) from now on: a secret phrase\.\nRegister it: holdfast account add-key main/,
  );
  assert.equal(offline.out, made.out, 'reproducible on any machine, without a token');

  await laptop.refuses(['account', 'add-key', 'main'], /the phrase is not the one of key [0-9a-f]{12}\./, {
    HOLDFAST_PHRASE: `${PHRASE}s`,
  });
  const added = await laptop.does(['account', 'add-key', 'main'], phrase);
  assert.match(added.err, /Key [0-9a-f]{12} is registered with ann at main\./);
  assert.match((await desktop.does(['account', 'add-key'], phrase)).err, /is registered with ann at main already/);
  assert.match((await desktop.does(['key', 'create', '--phrase'], phrase)).err, /It is registered with ann already\./);

  await t.test('on the machine that has the first key, that one vouches by itself', async () => {
    const file = { HOLDFAST_KEY_PASSPHRASE: PASSPHRASE, ...phrase };
    const { out, err } = await laptop.does(['key', 'create', '--file', 'release.key'], file);
    assert.match(err, /ann has registered [0-9a-f]{12}\. Was this to be one of them\?/);
    assert.match(
      (await laptop.does(['account', 'add-key', '--label', 'memory stick'], file)).err,
      new RegExp(`Key ${made.out.slice(0, 12)} vouched`),
    );
    const { keys } = JSON.parse((await desktop.does(['account', 'keys', 'main', '--json'])).out) as {
      keys: Record<string, string>[];
    };
    assert.deepEqual(
      keys.map(({ keyid, label, vouchedBy }) => [keyid, label, vouchedBy]),
      [
        [made.out, 'secret phrase', undefined],
        [out, 'memory stick', made.out],
      ],
    );
  });

  await t.test('between machines a code does it, if both show the same id', async () => {
    const bare = await Machine.set(t, served);
    const key = { HOLDFAST_KEY_PASSPHRASE: PASSPHRASE };
    const { out: keyid } = await bare.does(['key', 'create', '--file', 'third.key'], key);
    const asked = await bare.does(['account', 'add-key'], key);
    assert.match(asked.err, new RegExp(`not on this machine\\. There, run this, and compare the id ${keyid}`));
    const [, code = ''] = /^holdfast account vouch (hfk1\.\S+)$/.exec(asked.out) ?? [];
    await Promise.all([
      bare.refuses(
        ['account', 'vouch', code, '--keyid', keyid],
        /none of the keys on this machine is registered/,
        key,
        2,
      ),
      desktop.refuses(
        ['account', 'vouch', code],
        /Does the other machine show this id\? Say so with --keyid ID/,
        phrase,
        2,
      ),
      desktop.refuses(['account', 'vouch', code, '--keyid', made.out], /the code is for key .*, not /, phrase, 2),
      desktop.refuses(
        ['account', 'vouch', code.slice(0, -5)],
        /the code is not one that "holdfast key code" or "holdfast account add-key" prints/,
      ),
    ]);
    const no = await atTerminal(desktop.directory, ['account', 'vouch', code], [[/show this id\? \[y\/N\]/, 'n']], {
      HOLDFAST_TOKEN: served.token,
      ...phrase,
    });
    assert.equal(no.code, 1, no.shown);
    assert.match(no.shown, new RegExp(`asks for key ${keyid} to sign for ann at main[^]*Nothing was signed`));
    const yes = await atTerminal(desktop.directory, ['account', 'vouch', code], [[/show this id\? \[y\/N\]/, 'y']], {
      HOLDFAST_TOKEN: served.token,
      ...phrase,
    });
    assert.equal(yes.code, 0, yes.shown);
    assert.match(
      (await bare.does(['account', 'keys'])).out,
      new RegExp(`${keyid.slice(0, 12)}  ed25519  .*  the key file .*third\\.key  key file`),
    );
    await desktop.refuses(['account', 'remove-key', 'main', 'zzzz'], /no key of ann begins with "zzzz"/, phrase, 2);
    const { err } = await desktop.does(['account', 'remove-key', 'main', keyid.slice(0, 8)], phrase);
    assert.match(err, /is no longer one of ann, and never will be again/);
    const again = await bare.does(['account', 'add-key'], key);
    await desktop.refuses(
      ['account', 'vouch', again.out.split(' ')[3] ?? '', '--keyid', keyid],
      /was removed from this account and does not come back/,
      phrase,
    );
  });
});

test('at a terminal a phrase is proposed, typed twice, and shown to nobody', async (t) => {
  const served = await serveIndex(t);
  const { directory, token } = await Machine.set(t, served);
  const create = (answers: readonly (readonly [RegExp, string])[]) =>
    atTerminal(directory, ['key', 'create', '--phrase'], answers);
  const first = [/API token: $/, token] as const;

  const differing = await create([first, [/Secret phrase of ann: $/, PHRASE], [/The same again: $/, `${PHRASE}s`]]);
  assert.equal(differing.code, 2, differing.shown);
  assert.match(
    differing.shown,
    /A proposal, made just now:\n {2}(?:\S+ ){6}\S+\n[^]*typed the second time differs from the first/,
  );
  for (const [key, name] of [
    ['\u0003', 'Ctrl-C'],
    ['\u0004', 'Ctrl-D'],
  ] as const) {
    const stopped = await create([[/Secret phrase of ann: $/, key]]);
    assert.equal(stopped.code, 130, `${name}: ${stopped.shown}`);
    assert.match(stopped.shown, /holdfast: you stopped it instead of answering\.\n {2}Give the command again/, name);
  }
  const weak = await create([
    [/Secret phrase of ann: $/, 'swordfish'],
    [/The same again: $/, 'swordfish'],
  ]);
  assert.equal(weak.code, 1, weak.shown);
  assert.match(weak.shown, /would be guessed in about 2\^\d+ tries, and 2\^64 are the least[^]*holdfast key phrase/);
  const good = await create([
    [/Secret phrase of ann: $/, PHRASE],
    [/The same again: $/, PHRASE],
  ]);
  assert.equal(good.code, 0, good.shown);
  for (const { shown } of [differing, weak, good])
    for (const secret of [PHRASE, 'swordfish', token]) assert.ok(!shown.includes(secret));
  assert.match(differing.shown, /An API token for .* is needed\. It will be kept in/);
  assert.doesNotMatch(weak.shown, /API token/, 'a token that the index accepted is kept');

  const logout = await holdfast(directory, ['account', 'logout']);
  assert.match(logout.err, /The token for http:\S+ is forgotten\./);
  assert.match((await holdfast(directory, ['account', 'logout'])).err, /No token is kept/);
  const kept = await readdir(join(directory, 'home/developer'));
  for (const name of kept)
    assert.ok(!(await readFile(join(directory, 'home/developer', name), 'utf8')).includes(token));
});

test('what goes wrong with keys is said in a sentence, and changes nothing', async (t) => {
  const served = await serveIndex(t);
  const machine = await Machine.set(t, served);
  const create = ['key', 'create', 'main'];
  assert.match(
    (await machine.does(['key', 'list'])).err,
    /You have no key yet\. holdfast key create --phrase makes one/,
  );
  const refusals: readonly Parameters<Machine['refuses']>[] = [
    [create, /give one of --phrase, --file PATH/, {}, 2],
    [[...create, '--phrase', '--file', 'x'], /give one of --phrase, --file PATH/, {}, 2],
    [[...create, '--phrase', '--account', 'Ann'], /"Ann" is not an account name/, {}, 2],
    [[...create, '--phrase'], /set HOLDFAST_PHRASE, name a file/, {}, 2],
    [
      [...create, '--phrase'],
      /would be guessed in about 2\^.*tries/,
      {
        HOLDFAST_PHRASE: 'to be or not to be',
      },
    ],
    [
      [...create, '--phrase'],
      /characters that cannot be seen/,
      {
        HOLDFAST_PHRASE: `a\u200db ${PHRASE}`,
      },
    ],
    [[...create, '--phrase'], /HOLDFAST_TOKEN|API token .* is needed/, { HOLDFAST_TOKEN: '' }],
    [[...create, '--phrase'], /This API token is not valid/, { HOLDFAST_TOKEN: 'hf_wrong' }],
    [['key', 'create', 'other', '--phrase'], /No index named "other" is trusted/],
    [[...create, '--ssh', 'SHA256:x'], /SSH agent cannot be reached: SSH_AUTH_SOCK is not set/],
    [
      [...create, '--ssh', 'SHA256:x'],
      /SSH agent at \/nowhere cannot be reached/,
      {
        SSH_AUTH_SOCK: '/nowhere',
      },
    ],
    [[...create, '--pkcs11', 'pkcs11:token=t;object=k'], /module-path=/],
    [[...create, '--pkcs11', 'pkcs11:token=t;object=k?module-path=/nowhere.so'], /cannot be reached/],
    [['account', 'add-key'], /no key is known here for this account/],
    [['key', 'forget', 'abcdef'], /no key abcdef is known here/],
  ];
  await Promise.all(refusals.map((each) => machine.refuses(...each)));
  assert.ok(!(await readdir(machine.directory)).includes('x'));

  const made = await generateKey('ed25519');
  await writeKeyFile(join(machine.directory, 'own.key'), made, PASSPHRASE);
  const own = [...create, '--file', 'own.key'];
  await machine.refuses(own, /own\.key was not opened: the passphrase is wrong/, { HOLDFAST_KEY_PASSPHRASE: 'wrong' });
  await mkdir(join(machine.directory, 'directory.key'));
  await machine.refuses([...create, '--file', 'directory.key'], /directory/, { HOLDFAST_KEY_PASSPHRASE: PASSPHRASE });
  await writeFile(join(machine.directory, 'secret'), `${PASSPHRASE}\n`);
  const { out } = await machine.does([...own, '--passphrase-file', 'secret']);
  assert.equal(out, made.key.keyid);
  const listed = await machine.does(['key', 'list']);
  assert.equal(
    listed.out,
    `* ${out.slice(0, 12)}  ann at main  ed25519  the key file ${join(machine.directory, 'own.key')}`,
  );
  await served.close();
  await machine.refuses(['account', 'add-key'], /cannot be reached: nothing listens there/, {
    HOLDFAST_KEY_PASSPHRASE: PASSPHRASE,
  });
  assert.match(
    (await machine.does(['key', 'forget', out.slice(0, 6)])).err,
    /Forgotten: the key file .*own\.key of ann/,
  );
  assert.equal((await machine.does(['key', 'list', '--json'])).out, '[]');
  assert.equal((await machine.does(['key', 'phrase'])).out.split(' ').length, 7);
});

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  type AskSecret,
  createKey,
  type KeySource,
  listKeys,
  openSigner,
  phraseKey,
  requestKey,
  type SecretRequest,
} from '@holdfast/developer';
import { makePublicKey, type Signer } from '@holdfast/tuf';
import { generateKey, sshAgentSigner, writeKeyFile } from '@holdfast/tuf/node';
import { PIN, type SoftHsm, softHsm, TOKEN } from '../../signer-pkcs11/test/soft-hsm.ts';
import { hasSigned, signStatement } from '../src/account/key-statement.ts';
import { rememberKey } from '../src/keys/key-ring.ts';
import { prepareSigner } from '../src/keys/token-signer.ts';

const run = promisify(execFile);
const directory = await mkdtemp(join(tmpdir(), 'holdfast-key-sources-'));
const home = join(directory, 'home');
const owner = { index: 'ab'.repeat(32), account: 'ann' };
const PHRASE = 'sizzle brick happening agony spotty expanse ambush';
const PASSPHRASE = 'unlovable gullible cornmeal reissue';
after(() => rm(directory, { recursive: true }));
afterEach(() => rm(home, { recursive: true, force: true }));

/** Somebody who types what is in here, and a note of what was asked. */
function person(answers: Partial<Record<SecretRequest['kind'], string>>): { ask: AskSecret; asked: SecretRequest[] } {
  const asked: SecretRequest[] = [];
  const ask: AskSecret = async (request) => {
    asked.push(request);
    return answers[request.kind] ?? assert.fail(`nobody knows the ${request.kind}`);
  };
  return { ask, asked };
}
const nobody = person({}).ask;
const create = (source: KeySource, ask: AskSecret) => createKey({ home, ...owner, source, ask });
const open = (ask: AskSecret, environment: NodeJS.ProcessEnv = {}, key?: string): Promise<Signer> =>
  openSigner(home, { ...owner, ask, environment, ...(key !== undefined && { key }) });

async function signs(signer: Signer): Promise<void> {
  const statement = { type: 'holdfast-account-key', ...owner, key: signer.key } as const;
  assert.ok(await hasSigned(statement, await signStatement(statement, signer), signer.key));
}

/** Fails so, and leaves the list as it was. */
async function fails(attempt: () => Promise<unknown>, error: object): Promise<void> {
  const before = await listKeys(home);
  await assert.rejects(attempt, error);
  assert.deepEqual(await listKeys(home), before);
}

describe('a key from a phrase', () => {
  it('is made once and then opened by typing the phrase; nothing of it is kept', async () => {
    const { ask, asked } = person({ phrase: PHRASE });
    const { key } = await create({ kind: 'phrase' }, ask);
    assert.deepEqual(key, (await phraseKey(PHRASE, owner)).key);
    const signer = await open(person({ phrase: `  ${PHRASE.toUpperCase().toLowerCase()} ` }).ask);
    assert.equal(signer.key.keyid, key.keyid);
    await signs(signer);
    assert.deepEqual(asked, [{ kind: 'phrase', prompt: 'Secret phrase of ann', isNew: true }]);
    const kept = await readFile(join(home, 'developer/keys.json'), 'utf8');
    for (const word of PHRASE.split(' ')) assert.ok(!kept.includes(word));
  });

  it('is refused when the phrase is weak, has the wrong form, or is mistyped later', async () => {
    await fails(() => create({ kind: 'phrase' }, person({ phrase: 'correct horse battery staple' }).ask), {
      code: 'WEAK_PHRASE',
    });
    await fails(() => create({ kind: 'phrase' }, person({ phrase: ' ' }).ask), { code: 'INVALID_PHRASE' });
    const { key } = await create({ kind: 'phrase' }, person({ phrase: PHRASE }).ask);
    const mistyped = person({ phrase: PHRASE.replace('brick', 'brisk') }).ask;
    await fails(() => open(mistyped), { code: 'WRONG_PHRASE', keyid: key.keyid });
  });

  it('needs no list where a build server has the phrase in its environment', async () => {
    const signer = await open(nobody, { HOLDFAST_PHRASE: PHRASE });
    assert.equal(signer.key.keyid, (await phraseKey(PHRASE, owner)).key.keyid);
  });
});

describe('a key file', () => {
  const path = join(directory, 'release.key');
  after(() => rm(path, { force: true }));

  it('is written encrypted, and opened with its passphrase only', async () => {
    const source = { kind: 'file', path } as const;
    await fails(() => create(source, person({ passphrase: 'hunter2' }).ask), { code: 'WEAK_PHRASE', needed: 45 });
    assert.ok(!(await readdir(directory)).includes('release.key'), 'a weak passphrase writes nothing');
    const { key } = await create(source, person({ passphrase: PASSPHRASE }).ask);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await signs(await open(person({ passphrase: PASSPHRASE }).ask));
    await fails(() => open(person({ passphrase: 'another' }).ask), { code: 'KEY_FILE', problem: 'passphrase-wrong' });
    const again = await create(source, person({ passphrase: PASSPHRASE }).ask);
    assert.equal(again.key.keyid, key.keyid, 'a file that is there is used, not replaced');
    assert.equal((await listKeys(home)).length, 1);
  });

  it('is refused when it is damaged, another one, or gone', async () => {
    const { key } = await create({ kind: 'file', path }, person({ passphrase: PASSPHRASE }).ask);
    const good = await readFile(path);
    const { ask } = person({ passphrase: PASSPHRASE });
    await writeFile(path, good.subarray(0, -20));
    await fails(() => open(ask), { code: 'KEY_FILE', problem: 'damaged' });
    await fails(() => create({ kind: 'file', path }, ask), { code: 'KEY_FILE', problem: 'damaged' });
    await writeKeyFile(path, await generateKey('ed25519'), undefined);
    await fails(() => open(nobody), { code: 'KEY_CHANGED', keyid: key.keyid, message: /release\.key holds key/ });
    await rm(path);
    await fails(() => open(ask), { code: 'ENOENT' });
  });

  it('without a passphrase asks for none', async () => {
    await writeKeyFile(path, await generateKey('ecdsa-sha2-nistp256'), undefined);
    await create({ kind: 'file', path }, nobody);
    await signs(await open(nobody));
  });
});

describe('a key in the environment', () => {
  it('comes before those in the list, and is opened by its own passphrase', async () => {
    const path = join(directory, 'ci.key');
    const made = await generateKey('ed25519');
    await writeKeyFile(path, made, PASSPHRASE);
    const listed = await create({ kind: 'phrase' }, person({ phrase: PHRASE }).ask);
    const environment = { HOLDFAST_KEY: await readFile(path, 'utf8'), HOLDFAST_KEY_PASSPHRASE: PASSPHRASE };
    assert.equal((await open(nobody, environment)).key.keyid, made.key.keyid);
    await fails(() => open(nobody, { ...environment, HOLDFAST_KEY_PASSPHRASE: 'wrong' }), {
      problem: 'passphrase-wrong',
    });
    const named = await open(person({ phrase: PHRASE }).ask, environment, listed.key.keyid.slice(0, 12));
    assert.equal(named.key.keyid, listed.key.keyid, 'unless one of the list is named');
  });

  it('is missed clearly when there is no key at all', async () => {
    await fails(() => open(nobody), { code: 'NO_KEY', message: /no key is known here for this account/ });
  });
});

describe('a key in a real SSH agent', () => {
  const socket = join(directory, 'agent');
  let agent: ChildProcess;
  let fingerprint = '';
  const tool = (name: string, ...args: readonly string[]) =>
    run(name, args, { env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never' } });

  before(async () => {
    agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(agent.stdout !== null);
    await once(agent.stdout, 'data');
    await tool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'release', '-f', join(directory, 'ssh'));
    await tool('ssh-add', '-q', join(directory, 'ssh'));
    fingerprint = (await tool('ssh-keygen', '-l', '-f', join(directory, 'ssh.pub'))).stdout.split(' ')[1] ?? '';
  });
  after(() => agent.kill());

  it('is refused where it is an RSA key, whose scheme some installers do not know; said when it is chosen', async () => {
    const previous = process.env['SSH_AUTH_SOCK'];
    process.env['SSH_AUTH_SOCK'] = socket;
    try {
      await tool('ssh-keygen', '-q', '-t', 'rsa', '-N', '', '-f', join(directory, 'rsa'));
      await tool('ssh-add', '-q', join(directory, 'rsa'));
      const { stdout } = await tool('ssh-keygen', '-l', '-f', join(directory, 'rsa.pub'));
      const source = { kind: 'ssh', fingerprint: stdout.split(' ')[1] ?? '' } as const;
      await fails(() => create(source, nobody), { code: 'UNUSABLE_KEY', remedy: /Use an Ed25519 key/ });
      const signer = await sshAgentSigner(source.fingerprint);
      await assert.rejects(requestKey(owner, signer, 'release'), { code: 'UNUSABLE_KEY' });
    } finally {
      if (previous === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = previous;
    }
  });

  it('signs, and is missed when it is taken away or the agent is gone', async () => {
    const previous = process.env['SSH_AUTH_SOCK'];
    process.env['SSH_AUTH_SOCK'] = socket;
    try {
      await fails(() => create({ kind: 'ssh', fingerprint: 'SHA256:absent' }, nobody), {
        code: 'SIGNER',
        problem: 'no-such-key',
      });
      await create({ kind: 'ssh', fingerprint }, nobody);
      await signs(await open(nobody));
      await tool('ssh-add', '-q', '-D');
      await fails(() => open(nobody), { code: 'SIGNER', problem: 'no-such-key' });
      process.env['SSH_AUTH_SOCK'] = join(directory, 'nowhere');
      await fails(() => open(nobody), { code: 'SIGNER', problem: 'unreachable' });
    } finally {
      if (previous === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = previous;
    }
  });
});

describe('a key in a PKCS #11 token', () => {
  let hsm: SoftHsm;
  let uri = '';
  before(() => {
    hsm = softHsm();
    hsm.makeKey('P-256', 'release', { id: 7 });
    uri = `pkcs11:token=${encodeURIComponent(TOKEN)};object=release;id=%07?module-path=${hsm.module}`;
  });
  after(() => hsm.remove());

  it('signs, asking for the PIN once however often it signs', async () => {
    const { ask, asked } = person({ pin: PIN });
    await create({ kind: 'pkcs11', uri }, nobody);
    const signer = await open(ask);
    assert.deepEqual(asked, []);
    await prepareSigner(signer);
    assert.equal(asked.length, 1, 'it can be asked for before anything is signed');
    await signs(signer);
    await signs(signer);
    assert.deepEqual(asked, [{ kind: 'pin', prompt: `PIN of the token ${TOKEN}` }]);
  });

  it('does not sign with a wrong PIN, nor from a token or module that is not there', async () => {
    await create({ kind: 'pkcs11', uri }, nobody);
    const wrong = await open(person({ pin: '0000' }).ask);
    await assert.rejects(signs(wrong), { code: 'SIGNER', problem: 'pin-wrong' });
    const other = uri.replace('token=Holdfast', 'token=Nobody');
    await fails(() => create({ kind: 'pkcs11', uri: other }, nobody), { code: 'SIGNER', problem: 'unreachable' });
    await fails(() => create({ kind: 'pkcs11', uri: uri.replace('release', 'absent') }, nobody), {
      problem: 'no-such-key',
    });
    await fails(() => create({ kind: 'pkcs11', uri: `${uri}x` }, nobody), { code: 'SIGNER', problem: 'unreachable' });
    await fails(() => create({ kind: 'pkcs11', uri: 'pkcs11:token=t' }, nobody), { code: 'INVALID_TOKEN_URI' });
  });
});

describe('which key signs', () => {
  it('is the one that was created last, or the one that is named', async () => {
    const first = await create({ kind: 'phrase' }, person({ phrase: PHRASE }).ask);
    const file = join(directory, 'second.key');
    const second = await create({ kind: 'file', path: file }, person({ passphrase: PASSPHRASE }).ask);
    const both = person({ phrase: PHRASE, passphrase: PASSPHRASE }).ask;
    assert.equal((await open(both)).key.keyid, second.key.keyid);
    assert.equal((await open(both, {}, first.key.keyid)).key.keyid, first.key.keyid);
    await fails(() => open(both, {}, 'zzzzzzzz'), { code: 'NO_KEY' });
    const elsewhere = { ...owner, index: 'cd'.repeat(32), ask: both, environment: {} };
    await assert.rejects(openSigner(home, elsewhere), { code: 'NO_KEY' });
  });

  it('must hold what the list says: a list that was changed makes no other key sign', async () => {
    const record = await create({ kind: 'phrase' }, person({ phrase: PHRASE }).ask);
    const key = await makePublicKey('ed25519', 'ed25519', '11'.repeat(32));
    await rememberKey(home, { ...record, key });
    await fails(() => open(person({ phrase: PHRASE }).ask), { code: 'WRONG_PHRASE', keyid: key.keyid });
  });
});

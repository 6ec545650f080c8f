import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { serveIndex } from '../packages/index/test/support/served-index.ts';
import { type ChildServer, freePort, KEY_SERVERS, startServer } from '../packages/tuf/test/child-server.ts';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);
const directory = await mkdtemp(join(tmpdir(), 'holdfast-keys-guide-'));
const guide = await readFile(join(root, 'docs', 'guides', 'keys.md'), 'utf8');
const started: (ChildServer | ChildProcess)[] = [];
await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));

after(async () => {
  for (const one of started) {
    if ('stop' in one) await one.stop();
    else one.kill();
  }
  await rm(directory, { recursive: true });
});

/** The commands and programs of a section, in order. */
function blocks(heading: string): readonly { language: string; text: string }[] {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(heading);
  return Array.from(section.matchAll(/^```(sh|ts)\n([\s\S]*?)^```/gm), ([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** Runs a section as one shell would, each program with a line that signs with the signer that it made. */
async function follow(heading: string, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const found = blocks(heading);
  assert.ok(found.some(({ language }) => language === 'ts'));
  const stdout = await runBlocks(found, environment);
  assert.match(stdout.trim().split('\n').at(-1) ?? '', /^\d+$/, stdout);
}

async function runBlocks(
  found: ReturnType<typeof blocks>,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const script = ['set -euo pipefail'];
  for (const [index, { language, text }] of found.entries()) {
    const program = join(directory, `block-${index}.ts`);
    if (language === 'ts')
      await writeFile(program, `${text}\nconsole.log((await signer.sign(Buffer.from('data'))).length);\n`);
    script.push(language === 'sh' ? text : `"${process.execPath}" --conditions=holdfast-source ${program}`);
  }
  const path = `${KEY_SERVERS}:${directory}:${process.env['PATH']}`;
  const env = { ...process.env, PATH: path, HOME: directory, ...environment };
  const { stdout } = await run('bash', ['-c', script.join('\n')], { cwd: directory, env });
  return stdout;
}

describe('the guide to keys does what it says', () => {
  it('with a key file, which then goes into an environment variable', async () => {
    await follow('A key file');
    await follow('An environment variable');
  });

  it('with an SSH agent that asks before each signature', async () => {
    // Stands in for the person who types the passphrase and confirms.
    const person = join(directory, 'person');
    await writeFile(person, '#!/bin/sh\n[ "$SSH_ASKPASS_PROMPT" = confirm ] && echo yes || echo a passphrase\n');
    await chmod(person, 0o700);
    const asking = { SSH_ASKPASS: person, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0' };
    const socket = join(directory, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { env: { ...process.env, ...asking }, stdio: 'pipe' });
    started.push(agent);
    await once(agent.stdout, 'data');
    await follow('An SSH agent', { SSH_AUTH_SOCK: socket, ...asking });
  });

  it('with a PKCS #11 token', async () => {
    const configuration = join(directory, 'softhsm2.conf');
    await writeFile(configuration, `directories.tokendir = ${directory}\n`);
    await follow('A token: PKCS #11', { SOFTHSM2_CONF: configuration });
  });

  it('with OpenBao', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const args = ['server', '-dev', '-dev-no-store-token', '-dev-root-token-id=root', `-dev-listen-address=${address}`];
    started.push(await startServer(join(KEY_SERVERS, 'bao'), args, /Root Token: root/, { HOME: directory }));
    await follow('HashiCorp Vault, OpenBao', { BAO_ADDR: `http://${address}`, BAO_TOKEN: 'root' });
  });

  it('for developers, with the keys of above: registers the first key, and the second with its voucher', async (t) => {
    const served = await serveIndex(t);
    const main = join(root, 'packages/holdfast/src/main.ts');
    const command = `#!/bin/sh\nexec "${process.execPath}" --conditions=holdfast-source "${main}" "$@"\n`;
    await writeFile(join(directory, 'holdfast'), command, { mode: 0o700 });
    await writeFile(join(directory, 'index-root.json'), served.root);
    const trust = { language: 'sh', text: `holdfast trust add main ${served.url} --root index-root.json` };
    const stdout = await runBlocks([trust, ...blocks("A developer's key")], {
      SSH_AUTH_SOCK: join(directory, 'agent'),
      SOFTHSM2_CONF: join(directory, 'softhsm2.conf'),
      HOLDFAST_HOME: join(directory, 'home'),
      HOLDFAST_TOKEN: served.token,
      HOLDFAST_PHRASE: 'sizzle brick happening agony spotty expanse ambush',
      HOLDFAST_KEY_PASSPHRASE: 'unlovable gullible cornmeal reissue',
      HOLDFAST_PIN: '123456',
    });
    const lines = stdout.trim().split('\n');
    assert.match(
      lines.slice(-6, -2).join('\n'),
      /\* \w+ {2}ann at main .*the token[^]*SSH agent[^]*release\.key[^]*a secret phrase/,
    );
    const registered = await served.index.accountKeys.list('ann');
    assert.deepEqual(
      registered.map(({ label }) => label),
      ['secret phrase', 'token'],
    );
    assert.equal(registered[1]?.vouchedBy, registered[0]?.key.keyid);
  });

  it('and leads to files that are there', async () => {
    const links = Array.from(guide.matchAll(/\]\((\.\.[^)#]+)\)/g), ([, link = '']) => link);
    assert.ok(links.length > 4);
    for (const link of links) await readFile(join(root, 'docs', 'guides', link));
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseRoot } from '@holdfast/tuf';
import { ended, environment } from '../packages/holdfast/test/holdfast.ts';

/** The way of the operators' guide from nothing to a second holder and a second online key, command by command, in its order. */
const root = join(import.meta.dirname, '..');
const directory = await mkdtemp(join(tmpdir(), 'holdfast-operator-guide-'));
after(() => rm(directory, { recursive: true }));
const guide = await readFile(join(root, 'docs', 'guides', 'operator.md'), 'utf8');

/** The commands of a section and of those inside it. */
function commandsOf(heading: string): string[] {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(heading);
  return Array.from(section.matchAll(/^```sh\n([\s\S]*?)^```/gm), ([, text = '']) => text.replaceAll('\\\n', ' '))
    .join('')
    .split('\n')
    .filter((line) => line !== '');
}

const main = join(root, 'packages', 'holdfast', 'src', 'main.ts');
await mkdir(join(directory, 'bin'));
const holdfast = join(directory, 'bin', 'holdfast');
await writeFile(holdfast, `#!/bin/sh\nexec "${process.execPath}" --conditions=holdfast-source "${main}" "$@"\n`);
await chmod(holdfast, 0o755);

/** Runs a command as it stands in the guide, with its two directories in a place of our own. */
async function run(command: string): Promise<string> {
  const here = command.replaceAll('/srv/', `${directory}/srv/`).replaceAll('/media/', `${directory}/media/`);
  const { SOFTHSM2_CONF, HOLDFAST_PIN } = process.env;
  const env: NodeJS.ProcessEnv = { ...environment(directory), SOFTHSM2_CONF, HOLDFAST_PIN };
  const child = spawn('bash', ['-euc', here], {
    cwd: directory,
    env: { ...env, PATH: `${join(directory, 'bin')}:${env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, out, err } = await ended(child);
  assert.equal(code, 0, `${command}\n${out}${err}`);
  return out + err;
}

test('the guide leads from a ceremony through a signing to new holders, as it stands', async () => {
  await mkdir(join(directory, 'srv'));
  await mkdir(join(directory, 'media'));
  const [first = '', ...making] = commandsOf('Make one');
  await run(first);
  const told = [];
  for (const command of making) told.push(await run(command));
  const [, onPaper = ''] = /root\.json\)\n +([0-9a-f ]+)\n/.exec(told[0] ?? '') ?? [];
  assert.match(told[1] ?? '', new RegExp(`Root fingerprint: ${onPaper.replaceAll(' ', '')}`));

  // Each holder takes a folder away.
  const ceremony = join(directory, 'media', 'ceremony');
  for (const name of await readdir(ceremony))
    if (/^(?:root|targets)-\d$/.test(name)) await rename(join(ceremony, name), join(directory, 'media', name));
  await rename(join(ceremony, 'root.json'), join(directory, 'root.json'));

  let oldKey = '';
  for (const command of commandsOf('Sign, every few weeks')) {
    const [online = ''] = (await readdir(join(directory, 'srv/index/keys'))).sort();
    if (oldKey === '') oldKey = online.replace('.json', '');
    if (command.includes('--exclude'))
      await assert.rejects(run(command), /nothing is to change for suspicious-project/);
    // There is no such project here.
    const own = renewing(command).replace(' --exclude suspicious-project --accept lost-its-key', '');
    const said = await run(own.replace('OLD_KEYID', oldKey.slice(0, 16)));
    if (command.includes('admin import')) assert.match(said, /Published with timestamp \d+/);
  }
});

test('and through the same with keys in tokens, which stay there', async () => {
  const tokens = join(directory, 'tokens');
  await mkdir(tokens);
  process.env['SOFTHSM2_CONF'] = join(directory, 'softhsm2.conf');
  process.env['HOLDFAST_PIN'] = '123456';
  await writeFile(process.env['SOFTHSM2_CONF'], `directories.tokendir = ${tokens}\n`);
  let ann = '';
  for (const command of commandsOf('Keys in tokens')) {
    const whole = command.includes('export /srv/packages due') ? `${command} --renew targets --renew claimed` : command;
    const said = await run(whole.replace('ANN_KEYID', ann));
    if (command.includes('admin ceremony')) {
      assert.match(said, /root-1 +root +ed25519 .*[0-9a-f]{64}\n/);
      [, ann = ''] = /root-2 +root +ecdsa-sha2-nistp256 +([0-9a-f]{64}) {2}\(brought\)/.exec(said) ?? [];
    }
    if (command.includes('admin import')) assert.match(said, /Published with timestamp \d+/);
  }
  const media = await readdir(join(directory, 'media/packages'), { recursive: true });
  assert.deepEqual(
    media.filter((name) => name.endsWith('key.json')),
    ['root-1/key.json'],
  );
  assert.match(await readFile(join(directory, 'media/packages/root-2/README.txt'), 'utf8'), /No key is in this folder/);
  const next = parseRoot(await readFile(join(directory, 'srv/packages/objects/metadata/2.root.json'))).signed;
  const { keyids = [] } = next.roles.get('root') ?? {};
  assert.equal(keyids.length, 3);
  assert.ok(!keyids.includes(ann));
});

/** An index without claims has nothing to sign before it grows old; so the test asks for it. */
function renewing(command: string): string {
  return command.includes('--quiet-days') ? `${command} --renew claimed --renew rarely-updated` : command;
}

test('what the guide says of a signing, the commands say of themselves', async () => {
  const help = spawn(holdfast, ['help', 'admin'], { env: environment(directory), stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  help.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  await once(help, 'close');
  const text = Buffer.concat(out).toString();
  const section = guide.slice(guide.indexOf('## Sign, every few weeks'), guide.indexOf('## Keys in tokens'));
  const options = new Set(Array.from(section.matchAll(/`?(--[a-z-]+)/g), ([, option = '']) => option));
  assert.ok(options.size > 12);
  for (const option of options) assert.ok(text.includes(option), `no admin command has ${option}`);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ended, environment } from '../packages/holdfast/test/holdfast.ts';
import { type OpenIndex, openIndex } from '../packages/index/src/index.ts';
import {
  claim,
  makeDeveloper,
  rotation,
  stageFile,
  standingOf,
  submit,
} from '../packages/index/test/support/claims.ts';

/** Every command of the recovery guide, in its order, on an index whose keys were made as the operators' guide says. */
const root = join(import.meta.dirname, '..');
const directory = await mkdtemp(join(tmpdir(), 'holdfast-recovery-guide-'));
after(() => rm(directory, { recursive: true }));
const guide = await readFile(join(root, 'docs', 'guides', 'recovery.md'), 'utf8');

/** The blocks of commands of a section; each runs in one shell. */
function blocksOf(heading: string): string[] {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(heading);
  return Array.from(section.matchAll(/^```sh\n([\s\S]*?)^```/gm), ([, text = '']) => text);
}

await mkdir(join(directory, 'bin'));
const holdfast = join(directory, 'bin', 'holdfast');
const main = join(root, 'packages', 'holdfast', 'src', 'main.ts');
await writeFile(holdfast, `#!/bin/sh\nexec "${process.execPath}" --conditions=holdfast-source "${main}" "$@"\n`);
await chmod(holdfast, 0o755);

/** With the directories in a place of our own, and the numbers of this index. */
async function run(command: string, facts: ReadonlyMap<string, string> = new Map()): Promise<string> {
  let here = command.replaceAll(/\/(srv|media|backup)\//g, `${directory}/$1/`);
  for (const [name, value] of facts) here = here.replaceAll(name, value);
  const env = environment(directory);
  const child = spawn('bash', ['-euc', here], {
    cwd: directory,
    env: { ...env, PATH: `${join(directory, 'bin')}:${env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, out, err } = await ended(child);
  assert.equal(code, 0, `${command}\n${out}${err}`);
  return out + err;
}

/** The ceremony, and a backup. */
async function makeIndex(): Promise<Map<string, string>> {
  for (const name of ['srv', 'media', 'backup']) await mkdir(join(directory, name));
  await run('holdfast init /srv/index --offline-keys /media/ceremony');
  const ceremony = join(directory, 'media', 'ceremony');
  for (const name of await readdir(ceremony))
    if (/^(?:root|targets)-\d$/.test(name)) await rename(join(ceremony, name), join(directory, 'media', name));
  await rename(join(ceremony, 'root.json'), join(directory, 'root.json'));
  await run('holdfast backup /srv/index /backup/index');
  const { timestampVersion } = JSON.parse(await readFile(join(directory, 'backup/index/backup.json'), 'utf8')) as {
    timestampVersion: number;
  };
  const [online = ''] = await readdir(join(directory, 'srv/index/keys'));
  const facts = new Map([
    ['4711', String(timestampVersion)],
    ['OLD_KEYID', online.replace('.json', '')],
  ]);
  const told = await readFile(join(directory, 'media', 'targets-1', 'README.txt'), 'utf8');
  for (const [name, role] of [
    ['TARGETS_KEYID', 'targets'],
    ['CLAIMED_KEYID', 'claimed'],
    ['RARELY_KEYID', 'rarely-updated'],
  ] as const)
    facts.set(name, new RegExp(`^ +${role} +([0-9a-f]{64})$`, 'm').exec(told)?.[1] ?? assert.fail(told));
  return facts;
}

async function withIndex(use: (index: OpenIndex) => Promise<void>): Promise<void> {
  const passphrase = environment(directory)['HOLDFAST_PASSPHRASE'];
  const index = await openIndex(join(directory, 'srv/index'), { passphrase });
  try {
    await use(index);
  } finally {
    await index.close();
  }
}

/** What a developer does whose key was stolen, and who has no other. */
async function revokeAndClaimAgain(index: OpenIndex): Promise<void> {
  await index.accounts.createAccount('ann');
  const [stolen, next] = [await makeDeveloper(index), await makeDeveloper(index)];
  const file = await stageFile(index, 'django', '1.0');
  await claim(index, 'django', stolen, [file]);
  const rotate = await rotation('project.django', 1, [], [stolen]);
  await submit(index, 'django', { roles: new Map(), rotation: rotate });
  await claim(index, 'django', next, [file], 2);
}

test('the recovery guide leads through each theft, as it stands (P18, M12)', async () => {
  const facts = await makeIndex();
  const said: string[] = [];
  for (const block of blocksOf('All online keys, or the machine of the index')) said.push(await run(block, facts));
  assert.match(said[0] ?? '', /Nothing was changed/);
  assert.match(said[2] ?? '', /The index goes on after timestamp 1000000\d/);
  assert.match(said[3] ?? '', /Our online keys were stolen[\s\S]*Published with timestamp 100000\d+/);
  for (const block of blocksOf('One key of an offline role'))
    assert.match(await run(block, facts), /Published with timestamp \d+/);
  await withIndex(revokeAndClaimAgain);
  const [again = ''] = blocksOf("A developer's key");
  assert.match(await run(again, facts), /django[\s\S]*Published with timestamp \d+/);
  await withIndex(async (index) => {
    const { standing, role } = (await standingOf(index, 'django')) ?? assert.fail('nobody answers for django');
    assert.deepEqual([standing, role], ['claimed', 'project.django.2']);
  });
  const [look = '', putBack = ''] = blocksOf('The object store alone');
  const objects = join(directory, 'srv/index/objects/targets/00/demo');
  await mkdir(objects, { recursive: true });
  await writeFile(join(objects, `${'0'.repeat(64)}.demo-1.0.tar.gz`), 'other bytes');
  assert.match(await run(look), /demo-1\.0\.tar\.gz\n$/);
  await run(putBack);
});

import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { Scene } from './scene.ts';
import type { User } from './user.ts';

/** What happens on the user's side: no network, a damaged store. */
const scene = await Scene.open();
after(() => scene.close());
await scene.publish('demo', '1.0', ['helper']);
await scene.publish('helper', '1.0');
await scene.publish('other', '1.0');

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

async function filesUnder(user: User, directory: string): Promise<string[]> {
  const entries = await readdir(join(user.home, directory), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('no network: what is verified and unexpired installs, with a word about it; nothing else does', async () => {
  const user = await scene.newUser([scene.url]);
  await scene.installs(user, 'demo', { version: '1.0' });
  await scene.whileDown(async () => {
    for (const tool of ['pip', 'uv'] as const) {
      const { said, installed } = await scene.installs(user, 'demo', { tool });
      assert.deepEqual(installed, ['demo 1.0', 'helper 1.0']);
      assert.match(said, /main cannot be reached\. What was verified before is used, until \d{4}-\d\d-\d\dT/);
      assert.match(said, /verified 2 files from main, timestamp \d+, valid for 23 hours, offline/);
    }
    const remedy = 'Check the network connection, then run the command again.';
    const why = [/The index cannot be reached \(.*\), and other-1\.0-py3-none-any\.whl\S* is not in the local store\./];
    await scene.refuses(user, 'other', why, { remedy, recovers: false });
    const expired = [/The metadata "timestamp" was valid until /];
    const clock = "Check this computer's clock. If it is right, try later or add another mirror.";
    await scene.refuses(user, 'demo', expired, { days: 1.1, remedy: clock, recovers: false });
  });
  await scene.installs(user, 'other');
});

test('damaged files in the store are noticed, fetched again and the installation works', async () => {
  const user = await scene.newUser();
  await scene.installs(user, 'demo');
  const stored = await filesUnder(user, 'files/sha256');
  assert.equal(stored.length, 4);
  for (const path of stored) await flip(path);
  const { said, installed } = await scene.installs(user, 'demo');
  assert.deepEqual(installed, ['demo 1.0', 'helper 1.0']);
  assert.match(said, /a file of the local store was damaged and is fetched again: /);
});

test('a damaged file and no network: refused, never installed', async () => {
  const user = await scene.newUser([scene.url]);
  await scene.installs(user, 'other');
  for (const path of await filesUnder(user, 'files/sha256')) await flip(path);
  await scene.whileDown(async () => {
    await scene.refuses(user, 'other', [/is not in the local store/, /was damaged/], {
      remedy: 'Check the network connection, then run the command again.',
      recovers: false,
    });
  });
  await scene.installs(user, 'other');
});

test('damaged metadata in the store heals by itself, whichever file it is', async () => {
  const user = await scene.newUser();
  await scene.installs(user, 'demo');
  const kept = /(?:\.json|\.proof|proven-roles)$/;
  const metadata = (await filesUnder(user, 'trust/main/metadata')).filter((path) => kept.test(path));
  assert.deepEqual(
    new Set(metadata.map((path) => basename(path)).filter((name) => name !== 'helper.proof')),
    new Set(['demo.proof', 'proven-roles', 'root.json', 'targets.json', 'timestamp.json', 'unclaimed.json']),
  );
  for (const path of metadata) {
    await flip(path);
    await scene.installs(user, 'demo');
  }
  for (const path of metadata) await writeFile(path, '');
  await scene.installs(user, 'demo');
});

test('a damaged trusted root or trust file is refused: trust never begins anew by itself', async () => {
  for (const [file, sentence] of [
    ['root.json', /trusted root .*is damaged; remove the index and add it again/],
    ['trust.json', /trust file /],
  ] as const) {
    const user = await scene.newUser();
    await scene.installs(user, 'demo');
    const path = join(user.home, 'trust/main', file);
    const before = await readFile(path);
    await writeFile(path, before.subarray(1));
    const { code, said, installed } = await user.install('demo');
    assert.notEqual(code, 0);
    assert.deepEqual(installed, []);
    assert.match(said, sentence);
    await writeFile(path, before);
    await scene.installs(user, 'demo');
  }
});

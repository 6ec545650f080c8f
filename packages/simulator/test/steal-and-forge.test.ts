import assert from 'node:assert/strict';
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { targetPath } from '@holdfast/trust';
import { normalizeName } from '@holdfast/python-index';
import { distributionOf } from '../../index/src/publish/file-rows.ts';
import { delegationTo, signTrees } from '../../index/test/support/claims.ts';
import { claimed, makeDeveloper } from '../../index/test/support/developer.ts';
import { PASSPHRASE, serveIndex, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { upload } from '../../index/test/support/upload.ts';
import { type Distribution, makeWheel } from '../../index/test/support/wheel.ts';
import { EvilMirror, stealAndForge } from '../src/index.ts';
import { askPythonTuf } from './python-tuf-states.ts';
import { User } from './user.ts';

/** The whole index is stolen while it runs: its online keys, its records, its objects. Real index, real pip (M10, M12). */
function wheel(name: string, version: string): Distribution {
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n\nA demo.\n`;
  return makeWheel({ name, version, metadata });
}

/** Projects of each standing, as developers, uploaders and operators bring them there. */
async function populate(served: ServedIndexUnderTest): Promise<void> {
  const developer = await makeDeveloper(served, 'ben');
  for (const name of ['settled', 'recent']) await claimed(served, developer, name, [wheel(name, '1.0')]);
  for (const name of ['quiet', 'plain']) {
    const answer = await upload(served, wheel(name, '1.0'));
    assert.equal(answer.status, 200, await answer.text());
  }
  const quiet = await served.index.records.read
    .selectFrom('files')
    .selectAll()
    .where('project', '=', 'quiet')
    .execute();
  const trees = { claimed: [delegationTo('settled', developer.signer)], rarelyUpdated: quiet.map(distributionOf) };
  await served.index.importOffline(await signTrees(served, trees, served.index));
}

interface Stage {
  readonly served: ServedIndexUnderTest;
  readonly mirror: EvilMirror;
  newUser(): Promise<User>;
  /** Who has installed the honest release of a project. */
  oldUser(project: string): Promise<User>;
}

async function setUp(t: TestContext): Promise<Stage> {
  const served = await serveIndex(t, {}, { model: 'maximum' });
  await populate(served);
  const mirror = await EvilMirror.start(served.url);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-theft-'));
  t.after(async () => {
    await mirror.close();
    await rm(directory, { recursive: true, force: true });
  });
  const newUser = async () => User.make(await mkdtemp(join(directory, 'user-')), [mirror.url], served.root);
  const oldUser = async (project: string) => {
    mirror.attack = (_path, honest) => honest();
    const user = await newUser();
    assert.deepEqual((await user.install(project)).installed, [`${project} 1.0`]);
    return user;
  };
  return { served, mirror, newUser, oldUser };
}

test('a stolen index forges no claimed and no rarely updated project; unclaimed and recently claimed ones it does (M10, M12)', async (t) => {
  const { served, mirror, newUser, oldUser } = await setUp(t);
  const steal = async (name: string) => {
    const theft = await stealAndForge(served.directory, PASSPHRASE, wheel(name, '6.6.6'));
    mirror.attack = theft.attack;
    return theft;
  };

  await t.test('claimed: pip is told no, and why', async () => {
    const old = await oldUser('settled');
    const { signed, unsigned } = await steal('settled');
    for (const role of ['timestamp', 'snapshot', 'unclaimed', 'recently-claimed'])
      assert.ok(signed.includes(role), role);
    assert.deepEqual(unsigned, ['project.settled']);
    for (const [user, lookups] of [
      [old, true],
      [await newUser(), true],
      [await newUser(), false],
    ] as const) {
      mirror.lookups = lookups;
      const { code, installed, said } = await user.install('settled');
      assert.notEqual(code, 0);
      assert.deepEqual(installed, []);
      assert.match(said, /REFUSED settled/);
      assert.match(said, /The metadata "project\.settled" needs 1 signature by trusted keys and has 0\./);
    }
    mirror.lookups = true;
  });

  await t.test(
    'claimed, when the thief leaves the developers’ role as it is: pip gets what they published',
    async () => {
      await steal('plain');
      assert.deepEqual((await (await newUser()).install('settled')).installed, ['settled 1.0']);
    },
  );

  await t.test('rarely updated: pip gets what the offline keys signed', async () => {
    const old = await oldUser('quiet');
    await steal('quiet');
    for (const user of [old, await newUser()]) assert.deepEqual((await user.install('quiet')).installed, ['quiet 1.0']);
  });

  for (const name of ['recent', 'plain', 'newborn']) {
    await t.test(`${name}: the forged file is installed, which is what an online key is worth`, async () => {
      const users = [await newUser(), ...(name === 'plain' ? [await oldUser(name)] : [])];
      await steal(name);
      for (const user of users) assert.deepEqual((await user.install(name)).installed, [`${name} 6.6.6`]);
    });
  }

  await t.test('unmodified python-tuf finds the same', async () => {
    const pathOf = (name: string): string => targetPath(normalizeName(name), wheel(name, '6.6.6').filename);
    const found: string[] = [];
    for (const name of ['settled', 'quiet', 'recent', 'plain']) {
      await steal(name);
      const [[answer = ''] = []] = await askPythonTuf(served.root, [[`${mirror.url}/`, [pathOf(name)]]]);
      found.push(answer.length === 64 ? 'forged' : answer);
    }
    assert.deepEqual(found, ['UnsignedMetadataError', 'none', 'forged', 'forged']);
  });
});

test('other bytes in the object store, for a file of any standing, are refused (M10, P20)', async (t) => {
  const { served, newUser } = await setUp(t);
  const stored = await Array.fromAsync(glob('**/*.whl', { cwd: served.directory }));
  assert.equal(stored.length, 4);
  for (const path of stored) {
    const bytes = await readFile(join(served.directory, path));
    await writeFile(join(served.directory, path), bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1));
  }
  const user = await newUser();
  for (const name of ['settled', 'quiet', 'recent', 'plain']) {
    const { code, installed } = await user.install(name);
    assert.notEqual(code, 0);
    assert.deepEqual(installed, []);
  }
});

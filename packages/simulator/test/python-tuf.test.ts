import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { targetPath } from '@holdfast/trust';
import { parseSnapshot } from '@holdfast/tuf';
import { flipByte } from '../src/index.ts';
import { Scene } from './scene.ts';
import { tools } from './user.ts';

/** How anybody uses tuf.ngclient: nothing in it knows Holdfast. Prints the path of each file, or the class of the error. */
const NGCLIENT = `
import sys
from tuf.ngclient import Updater
root, cache, downloads, url, *paths = sys.argv[1:]
updater = Updater(cache, url + "/metadata/", downloads, url + "/targets/", bootstrap=open(root, "rb").read())
try:
    updater.refresh()
    for path in paths:
        info = updater.get_targetinfo(path)
        print("none" if info is None else updater.download_target(info))
except Exception as error:
    print(type(error).__name__)
`;

async function ngclient(t: TestContext, root: Uint8Array, url: string, paths: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-ngclient-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, 'root.json'), root);
  await mkdir(join(directory, 'downloads'));
  const own = [join(directory, 'root.json'), join(directory, 'cache'), join(directory, 'downloads'), url];
  const client = spawn(join(tools, 'python'), ['-c', NGCLIENT, ...own, ...paths]);
  let [output, errors] = ['', ''];
  client.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  client.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise((resolve) => client.once('close', resolve));
  assert.equal(code, 0, errors);
  return output.trim().split('\n');
}

const pathOf = (name: string, filename: string): string => targetPath(normalizeName(name), filename);

test("python-tuf's own client, unmodified, fetches and verifies files from the running index (P1)", async (t) => {
  const scene = await Scene.open();
  t.after(() => scene.close());
  const wheel = await scene.publish('demo', '1.0');
  const paths = [pathOf('demo', wheel.filename), pathOf('demo', 'demo-9.9-py3-none-any.whl')];

  await t.test('from one role', async (t) => {
    const [file = '', absent] = await ngclient(t, scene.root, scene.url, paths);
    assert.deepEqual(await readFile(file), wheel.bytes);
    assert.equal(absent, 'none');
  });

  await t.test('and refuses what a mirror changed', async (t) => {
    scene.mirror.attack = flipByte(/\.whl$/);
    assert.deepEqual(await ngclient(t, scene.root, scene.mirror.url, paths), ['LengthOrHashMismatchError']);
  });

  await t.test('from bins, once the index has split its role, and after new keys through root', async (t) => {
    const more = await Promise.all(Array.from({ length: 90 }, (_, n) => scene.publish(`project-${n}`, '1.0')));
    const roles = [...parseSnapshot(await scene.metadata('snapshot')).signed.meta.keys()];
    assert.ok(roles.includes('unclaimed.0.json') && roles.includes('unclaimed.f.json'), roles.join());
    const some = [wheel, ...more.slice(0, 5)];
    const wanted = some.map(({ filename }, n) => pathOf(n === 0 ? 'demo' : `project-${n - 1}`, filename));
    for (const replaced of [false, true]) {
      if (replaced) await scene.replaceOnlineKeys();
      // From the first root in any case: the client finds the next one by itself.
      const files = await ngclient(t, scene.root, scene.url, wanted);
      for (const [n, { bytes }] of some.entries()) assert.deepEqual(await readFile(files[n] ?? ''), bytes);
    }
    const { installed } = await scene.installs(await scene.newUser([scene.url]), 'project-7');
    assert.deepEqual(installed, ['project_7 1.0']);
  });
});

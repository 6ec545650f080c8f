import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { cleanEnvironment, finish, start } from './drive.ts';
import { Scene } from './scene.ts';

const projects = Array.from({ length: 12 }, (_, at) => `part${at}`);
let scene: Scene;

beforeEach(async () => {
  scene = await Scene.make({ bins: true });
  for (const name of projects) scene.repository.addWheel(name, '1', { padding: 300_000 });
  await scene.repository.publish();
});
afterEach(() => scene.close());

const fetchAll = () => start('fetch-all.ts', [scene.home, ...projects], cleanEnvironment(scene.home));

/** Every file in the store has the content that its name says. */
async function checkStore(): Promise<number> {
  const directory = join(scene.home, 'files', 'sha256');
  let count = 0;
  for (const path of await readdir(directory, { recursive: true })) {
    const name = path.slice(-64);
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    assert.equal(hash('sha256', await readFile(join(directory, path)), 'hex'), name);
    count++;
  }
  return count;
}

test('three processes fill one store at the same time, without error and without damage', async () => {
  const outcomes = await Promise.all([finish(fetchAll()), finish(fetchAll()), finish(fetchAll())]);
  for (const { code, stdout, stderr } of outcomes) {
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim().split('\n').length, projects.length);
  }
  assert.equal(await checkStore(), 2 * projects.length);
});

test('a process killed at any moment leaves a store from which the next one goes on', async () => {
  let answered = 0;
  for (let killAt = 1; killAt <= 16; killAt += 3) {
    const child = fetchAll();
    // The kill comes with the n-th request: in the middle of metadata, of downloads, of writes that follow them.
    answered = 0;
    scene.mirror.intercept = () => {
      if (++answered === killAt) child.kill('SIGKILL');
      return false;
    };
    await finish(child);
    await checkStore();
  }
  scene.mirror.intercept = undefined;
  const { code, stderr } = await finish(fetchAll());
  assert.equal(code, 0, stderr);
  assert.equal(await checkStore(), 2 * projects.length);
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type RunningProxy, startProxy } from '../src/proxy/start-proxy.ts';
import { Scene } from './scene.ts';

let scene: Scene;
let proxy: RunningProxy;

beforeEach(async () => {
  scene = await Scene.make();
});
afterEach(() => scene.close());

async function start(): Promise<void> {
  proxy = await startProxy({ clients: [await scene.client()] });
  scene.later(() => proxy.close());
}

async function ask(path: string): Promise<Response> {
  const answer = await fetch(new URL(path, proxy.indexUrl('main')), {
    headers: { accept: 'application/vnd.pypi.simple.v1+json' },
  });
  assert.equal(answer.status, 200);
  return answer;
}

/** Where the newest wheel of a project is. */
async function fileOf(project: string): Promise<string> {
  const page = (await (await ask(`${project}/`)).json()) as { files: { url: string }[] };
  return new URL(page.files.at(-1)?.url ?? '', `${proxy.indexUrl('main')}${project}/`).href;
}

test('a page brings the METADATA of the newest wheel, and that of what it requires, before anybody asks', async () => {
  scene.repository.addWheel('helper', '1.10', { requires: ['leaf (>=1)', "extra-only; extra == 'x'"] });
  scene.repository.addWheel('helper', '1.11rc1');
  scene.repository.addWheel('leaf', '3');
  scene.repository.addWheel('extra-only', '1');
  await scene.repository.publish();
  await start();
  await ask('demo/');
  await scene.mirror.wasAsked(/leaf-3-py3-none-any\.whl\.metadata$/);
  assert.deepEqual(
    scene.mirror.asked
      .filter((path) => path.startsWith('targets/'))
      .map((path) => path.replace(/.*[.]([a-z-]+-[0-9.]+-py3)/, '$1')),
    ['demo-1.0-py3-none-any.whl.metadata', 'helper-1.10-py3-none-any.whl.metadata', 'leaf-3-py3-none-any.whl.metadata'],
    'no release candidate, nothing of an extra, no wheel',
  );
});

test('with the first wheel the others come whose METADATA was looked at, and no more', async () => {
  scene.repository.addWheel('other', '1');
  await scene.repository.publish();
  await start();
  const [demo, helper, other] = await Promise.all(['demo', 'helper', 'other'].map(fileOf));
  for (const url of [demo, helper]) await ask(`${url}.metadata`);
  await ask(demo ?? '');
  await scene.mirror.wasAsked(/helper-1\.2-py3-none-any\.whl$/);
  assert.equal(scene.mirror.count(/other-1-py3-none-any\.whl$/), 0, String(other));
  await ask(helper ?? '');
  assert.equal(scene.mirror.count(/helper-1\.2-py3-none-any\.whl$/), 1, 'fetched once');
});

test('what cannot be fetched ahead of time is refused when it is asked for, and not before', async () => {
  for (const path of scene.repository.files.keys())
    if (path.includes('helper')) scene.repository.files.set(path, Buffer.from('poison'));
  await start();
  await ask('demo/');
  await scene.mirror.wasAsked(/helper.*\.metadata$/);
  assert.deepEqual(proxy.refusals, []);
  const helper = await fileOf('helper');
  assert.equal((await fetch(`${helper}.metadata`)).status, 409);
  assert.equal(proxy.refusals.length, 1);
});

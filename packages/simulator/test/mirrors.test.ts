import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { block, endless, flipByte, forgeRelease, Recorder } from '../src/index.ts';
import { Scene } from './scene.ts';

/** Dishonest mirrors beside an honest one: they cost time, never an installation, and never a wrong file (P20, D10). */
const scene = await Scene.open();
const second = await scene.addMirror();
after(() => scene.close());
beforeEach(() => {
  scene.beHonest();
  second.attack = scene.mirror.attack;
});

await scene.publish('demo', '1.0', ['helper']);
await scene.publish('helper', '1.0');

for (const status of [403, 404, 500]) {
  test(`a mirror that blocks updates with ${status} is passed over for an honest one (P20)`, async () => {
    scene.mirror.attack = block('/', status);
    await scene.installs(await scene.newUser([scene.mirror.url, scene.url]), 'demo', { version: '1.0' });
  });
}

test('two mirrors, one that changes every answer and one that never ends any, beside an honest one (P20, D10)', async () => {
  scene.mirror.attack = flipByte('/');
  second.attack = endless('/');
  for (const tool of ['pip', 'uv'] as const) {
    const user = await scene.newUser([scene.mirror.url, second.url, scene.url]);
    await scene.installs(user, 'demo', { version: '1.0', tool });
  }
});

test('two mirrors that serve honest metadata and forged files beside an honest one, and the user is told (P20, D10)', async () => {
  scene.mirror.attack = flipByte(/\.whl$/);
  second.attack = block(/\/targets\//, 403);
  const user = await scene.newUser([scene.mirror.url, second.url, scene.url]);
  const { said } = await scene.installs(user, 'demo', { version: '1.0' });
  assert.match(
    said,
    new RegExp(`${scene.mirror.url}/ was passed over\\. What the server sent as \\S+\\.whl is not the file`),
  );
});

test('two mirrors frozen at an older state beside an honest one: the newest release is installed (P20)', async () => {
  const recorder = new Recorder();
  scene.mirror.attack = recorder.record;
  await scene.installs(await scene.newUser(), 'demo');
  await scene.publish('demo', '1.1', ['helper']);
  scene.mirror.attack = recorder.replayAll;
  second.attack = recorder.replayAll;
  await scene.installs(await scene.newUser([scene.mirror.url, second.url, scene.url]), 'demo', { version: '1.1' });
});

test('mirrors of a thief with replaced keys cannot hide the new root beside an honest mirror (P17, P20)', async () => {
  const forged = await forgeRelease(scene.url, scene.online, scene.wheel('demo', '6.6.6'), 1000);
  await scene.replaceOnlineKeys();
  const hidden: typeof forged = (path, honest) =>
    path.endsWith('.root.json') ? { status: 404, headers: new Map(), body: new Uint8Array() } : forged(path, honest);
  scene.mirror.attack = hidden;
  second.attack = hidden;
  await scene.installs(await scene.newUser([scene.mirror.url, second.url, scene.url]), 'demo', { version: '1.1' });
});

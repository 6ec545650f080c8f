import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drip } from '../src/index.ts';
import { Scene } from './scene.ts';

/** Apart from the others, because it takes the time that the installer's real limits take: 20 seconds, mostly idle. */
test('slow retrieval: an answer that drips for ever is given up within half a minute (P20)', async (t) => {
  const scene = await Scene.open();
  t.after(() => scene.close());
  await scene.publish('demo', '1.0');
  scene.mirror.attack = drip(/timestamp\.json$|demo.*\.whl$/, 100);
  const other = await scene.addMirror();
  other.attack = drip(/\.whl$/, 100);
  const began = performance.now();
  await Promise.all([
    scene.refuses(
      await scene.newUser(),
      'demo',
      ['the data comes too slowly), and the metadata of main is not in the local store.'],
      {
        remedy: 'Check the network connection, then run the command again.',
        recovers: false,
      },
    ),
    scene.refuses(
      await scene.newUser([other.url]),
      'demo',
      [/the data comes too slowly\), and demo-1\.0-\S+ is not in the local store\./],
      {
        remedy: 'Check the network connection, then run the command again.',
        recovers: false,
      },
    ),
  ]);
  assert.ok(performance.now() - began < 30_000);
  scene.beHonest();
  await scene.installs(await scene.newUser(), 'demo');
});

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { block, endless, flipByte, Recorder, replaceBody } from '../src/index.ts';
import { Scene } from './scene.ts';

/**
 * The attacks of P20 that need no key, each tried by a mirror under the attacker's control on a user who installs with the
 * real pip or uv through the real proxy. What "refused" means is written down at {@link Scene.refuses}.
 */
const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.beHonest());

await scene.publish('demo', '1.0', ['helper']);
await scene.publish('helper', '1.0');
await scene.publish('other', '1.0');

for (const tool of ['pip', 'uv'] as const) {
  test(`an honest mirror is no obstacle for ${tool}, and nobody but us makes the project page (D9, D10)`, async () => {
    const { installed, said } = await scene.installs(await scene.newUser(), 'demo', { tool });
    assert.deepEqual(installed, ['demo 1.0', 'helper 1.0']);
    assert.match(said, /^holdfast: verified 2 files from main, timestamp \d+, valid for 23 hours\n$/);
    assert.deepEqual(
      scene.mirror.requests.filter((path) => path.startsWith('/simple/')),
      [],
    );
  });

  test(`arbitrary installation: a wheel with one changed bit is refused, seen by ${tool} (P20, D3)`, async () => {
    scene.mirror.attack = flipByte(/\.whl$/);
    await scene.refuses(
      await scene.newUser(),
      'other',
      [/as other-1\.0-py3-none-any\.whl is not the file that was signed: its SHA-256 is \w{64}, signed is \w{64}\./],
      { tool },
    );
  });

  test(`extraneous dependencies: METADATA with one more requirement is refused, seen by ${tool} (P20, D12)`, async () => {
    const user = await scene.newUser();
    scene.mirror.attack = replaceBody(/demo-.*\.metadata$/, (body) =>
      Buffer.from(Buffer.from(body).toString('utf8').replace('\n\n', '\nRequires-Dist: other\n\n')),
    );
    await scene.refuses(
      user,
      'demo',
      ['What the server sent as demo-1.0-py3-none-any.whl.metadata is not the file that was signed'],
      { tool },
    );
  });
}

test('wrong software: another signed wheel under the name that was asked for is refused (P20)', async () => {
  const helper = scene.wheel('helper', '1.0');
  scene.mirror.attack = replaceBody(/other.*\.whl$/, () => helper.bytes);
  await scene.refuses(await scene.newUser(), 'other', [
    'What the server sent as other-1.0-py3-none-any.whl is not the file that was signed',
  ]);
});

test('arbitrary metadata: one changed bit in any role is refused, and the role is named (P20)', async () => {
  for (const role of ['timestamp', 'snapshot', 'targets', 'unclaimed']) {
    scene.filesOnly();
    scene.mirror.attack = flipByte(new RegExp(`/metadata/(\\d+\\.)?${role}\\.json`));
    await scene.refuses(await scene.newUser(), 'other', [role]);
  }
});

test('arbitrary metadata: one changed bit in a lookup is refused (P20)', async () => {
  scene.mirror.attack = flipByte('/lookup/');
  await scene.refuses(await scene.newUser(), 'other', [/lookup\/\w+\/other\?coding=zstd misbehaves: /]);
});

test('rollback: metadata older than what this user has seen is refused (P20)', async () => {
  const user = await scene.newUser();
  const recorder = new Recorder();
  scene.mirror.attack = recorder.record;
  await scene.installs(user, 'other');
  await scene.publish('other', '1.1');
  scene.beHonest();
  await scene.installs(user, 'other', { version: '1.1' });
  scene.mirror.attack = recorder.replayAll;
  await scene.refuses(user, 'other', [/The server offers old metadata: version \d+ of "timestamp" was seen before/]);
});

test('indefinite freeze: old metadata is believed for a day by who has seen nothing newer, then refused (P20, P7)', async () => {
  await scene.publish('frozen', '1.0');
  const recorder = new Recorder();
  scene.mirror.attack = recorder.record;
  await scene.installs(await scene.newUser(), 'frozen');
  await scene.publish('frozen', '1.1');
  scene.mirror.attack = recorder.replayAll;
  await scene.installs(await scene.newUser(), 'frozen', { version: '1.0', days: 0.9 });
  const user = await scene.newUser();
  await scene.refuses(user, 'frozen', [/"timestamp" was valid until .*Somebody may be hiding newer files/], {
    days: 1.1,
    remedy: "Check this computer's clock. If it is right, try later or add another mirror.",
  });
});

test('mix-and-match: an old role under a new snapshot is refused (P20)', async () => {
  const recorder = new Recorder();
  scene.filesOnly();
  scene.mirror.attack = recorder.record;
  await scene.installs(await scene.newUser(), 'demo');
  await scene.publish('mixed', '1.0');
  const old = recorder.newest('.unclaimed.json');
  scene.mirror.attack = replaceBody('.unclaimed.json', () => old);
  await scene.refuses(await scene.newUser(), 'mixed', ['The server mixes metadata of different moments', 'unclaimed']);
});

test('mix-and-match: an old snapshot under a new timestamp is refused (P20)', async () => {
  const recorder = new Recorder();
  scene.filesOnly();
  scene.mirror.attack = recorder.record;
  await scene.installs(await scene.newUser(), 'demo');
  await scene.publish('mixed', '1.1');
  const old = recorder.newest('.snapshot.json');
  scene.mirror.attack = replaceBody('.snapshot.json', () => old);
  await scene.refuses(await scene.newUser(), 'mixed', ['snapshot']);
});

test('mix-and-match: an old lookup under a new timestamp is refused (P20)', async () => {
  const recorder = new Recorder();
  scene.mirror.attack = recorder.record;
  await scene.installs(await scene.newUser(), 'demo');
  await scene.publish('mixed', '1.2');
  const old = recorder.newest('/lookup/');
  scene.mirror.attack = replaceBody('/lookup/', () => old);
  await scene.refuses(await scene.newUser(), 'mixed', [/lookup\/\w+\/mixed\?coding=zstd misbehaves: /]);
});

test('endless data: an answer without end is cut off at its limit, whatever it answers (P20)', async () => {
  for (const [path, reason] of [
    [/2\.root\.json$/, '2.root.json misbehaves: it is longer than the 512000 bytes that are allowed'],
    [/timestamp\.json$/, 'timestamp.json misbehaves: it is longer than the 16384 bytes that are allowed'],
    [/snapshot\.json$/, /snapshot\.json misbehaves: it is longer than the \d+ bytes that are allowed/],
    [/unclaimed\.json$/, 'unclaimed.json misbehaves: it is longer than the 32000000 bytes that are allowed'],
    ['/lookup/', /lookup\/\w+\/other\?coding=zstd misbehaves: it is longer than the 67108864 bytes that are allowed/],
    [
      /\.whl\.metadata$/,
      /What the server sent as other-\S*\.metadata is not .* its length is more than 56, signed is 56/,
    ],
    [/\.whl$/, /What the server sent as other-\S*\.whl is not .* its length is more than (\d+), signed is \1/],
  ] as const) {
    if (path !== '/lookup/') scene.filesOnly();
    scene.mirror.attack = endless(path);
    await scene.refuses(await scene.newUser(), 'other', [reason]);
  }
});

test('a mirror that blocks updates, with no other: the user learns what cannot be had (P20)', async () => {
  for (const status of [403, 503]) {
    scene.mirror.attack = block('/', status);
    const outcome = await (await scene.newUser()).install('demo');
    assert.notEqual(outcome.code, 0);
    assert.deepEqual(outcome.installed, []);
    assert.match(outcome.said, /REFUSED demo/);
  }
});

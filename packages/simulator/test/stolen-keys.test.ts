import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nextRoot } from '@holdfast/operator';
import { minimumDelegations } from '@holdfast/trust';
import { parseTargets, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { forgeFreeze, forgeRelease, Recorder, serve } from '../src/index.ts';
import { Scene } from './scene.ts';

/**
 * "What a thief can do" (docs/concept.md; P17; PEP 458's table of compromises) for the minimum security model: each row shown
 * with the real index, operators and installer. The thief controls a mirror besides.
 */
async function openScene(t: TestContext, split = false): Promise<Scene> {
  const scene = await Scene.open();
  t.after(() => scene.close());
  if (split) await scene.replaceOnlineKeys(true);
  await scene.publish('demo', '1.0');
  return scene;
}

test('one key below the threshold is worth nothing (P17, P20 key compromise)', async (t) => {
  const scene = await openScene(t);

  await t.test(
    'one of two targets keys: targets that hand everything to the thief are refused (P17, P20 key compromise)',
    async () => {
      const thief = await generateKey('ed25519');
      const { version, expires } = parseTargets(await scene.metadata('targets')).signed;
      const delegations = {
        keys: new Map([[thief.key.keyid, thief.key]]),
        roles: minimumDelegations({ keyids: [thief.key.keyid], threshold: 1 }),
      };
      const json = targetsJson({ version, expires, targets: new Map(), delegations });
      const forged = await signMetadata(json, [...(await scene.holders('targets-1')), thief]);
      scene.filesOnly();
      scene.mirror.attack = serve(new Map([[`/metadata/${version}.targets.json`, forged]]));
      await scene.refuses(await scene.newUser(), 'demo', [
        'The metadata "targets" needs 2 signatures by trusted keys and has 1.',
      ]);
    },
  );

  await t.test('one of three root keys: a root that names the thief is refused (P17, P20 key compromise)', async () => {
    const thief = await generateKey('ed25519');
    const own = { keys: [thief.key], threshold: 1 };
    const changes = { expires: new Date(Date.now() + 86_400_000), roles: { root: own, timestamp: own, snapshot: own } };
    const forged = await nextRoot(scene.root, changes, [...(await scene.holders('root-1')), thief]);
    scene.mirror.attack = serve(new Map([['/metadata/2.root.json', forged]]));
    await scene.refuses(await scene.newUser(), 'demo', [
      'The metadata "root" needs 2 signatures by trusted keys and has 1.',
    ]);
  });
});

test('the timestamp and snapshot keys: no malicious update; old files until the roles below expire (P17)', async (t) => {
  const scene = await openScene(t, true);
  const { timestamp, snapshot } = scene.online;
  const stolen = { timestamp, snapshot };
  const recorder = new Recorder();
  scene.filesOnly();
  scene.mirror.attack = recorder.record;
  const who = await scene.newUser();
  await scene.installs(who, 'demo', { version: '1.0' });
  await scene.publish('demo', '1.1');
  scene.beHonest();
  await scene.installs(who, 'demo', { version: '1.1' });

  await t.test('a file that they made up is refused', async () => {
    scene.mirror.attack = await forgeRelease(scene.url, stolen, scene.wheel('demo', '6.6.6'));
    const why = ['The metadata "unclaimed" needs 1 signature by trusted keys and has 0.'];
    await scene.refuses(await scene.newUser(), 'demo', why, { recovers: false });
  });

  scene.mirror.attack = await forgeFreeze(recorder, stolen);
  await t.test('who comes new is shown the old state for long after a day, but not for ever', async () => {
    await scene.installs(await scene.newUser(), 'demo', { version: '1.0', days: 30 });
    const remedy = "Check this computer's clock. If it is right, try later or add another mirror.";
    const why = [/The metadata "unclaimed" was valid until /];
    await scene.refuses(await scene.newUser(), 'demo', why, { days: 91, remedy, recovers: false });
  });

  await t.test('who has seen the newer state is not led back', async () => {
    const why = [/The server offers old metadata: version 4 of "unclaimed" was seen before, now it sends version 3\./];
    await scene.refuses(who, 'demo', why, { recovers: false });
  });

  await t.test('when the keys are replaced through root, everyone is back at the newest state', async () => {
    await scene.replaceOnlineKeys();
    scene.beHonest();
    await scene.installs(who, 'demo', { version: '1.1' });
  });
});

test('all online keys: a malicious update, until the operators replace the keys through root (P17, P20)', async (t) => {
  const scene = await openScene(t);
  const [victim, other] = [await scene.newUser(), await scene.newUser()];
  await scene.installs(other, 'demo', { version: '1.0' });
  const forged = await forgeRelease(scene.url, scene.online, scene.wheel('demo', '6.6.6'));

  scene.mirror.attack = forged;
  await scene.installs(victim, 'demo', { version: '6.6.6' });

  await scene.replaceOnlineKeys();
  for (const user of [victim, other]) {
    // The forged files again, to who has or gets the new root.
    scene.mirror.attack = forged;
    await scene.refuses(user, 'demo', ['The metadata "timestamp" needs 1 signature by trusted keys and has 0.']);
  }
  await scene.installs(victim, 'demo', { version: '1.0' });
});

test('fast-forward: versions driven up with the stolen keys end with those keys, for everyone (P20, §5.3.11)', async (t) => {
  const scene = await openScene(t);
  const user = await scene.newUser();
  scene.mirror.attack = await forgeRelease(scene.url, scene.online, scene.wheel('demo', '6.6.6'), 1_000_000);
  await scene.installs(user, 'demo', { version: '6.6.6' });
  scene.beHonest();
  const old = /old metadata: version 10000\d\d of "timestamp" was seen before, now it sends version \d\./;
  await scene.refuses(user, 'demo', [old], { recovers: false });

  await scene.replaceOnlineKeys();
  const { installed } = await scene.installs(user, 'demo', { version: '1.0' });
  assert.deepEqual(installed, ['demo 1.0']);
  await scene.publish('demo', '1.1');
  await scene.installs(user, 'demo', { version: '1.1' });
});

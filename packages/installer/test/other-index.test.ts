import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { type Distribution, encodeTarget, forIndex, OtherIndexError, projectRole } from '@holdfast/trust';
import { signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { explain } from '../src/messages.ts';
import { Scene } from './scene.ts';

/** Which index something was signed for, and how a client knows its own; two real indexes meet in the simulator's tests. */
const flask = normalizeName('flask');
const role = projectRole(flask);
const ann = await generateKey('ed25519');
const FOREIGN = 'ab'.repeat(32);
let scene: Scene;
let wheel: Distribution;
/** Fingerprint of the first root: the identity of the index. */
let own: string;

/** A claimed project whose role names an index, or none. */
async function publish(index: string | undefined, version = 1): Promise<void> {
  const { path, file } = encodeTarget(wheel);
  const expires = new Date(Math.floor(Date.now() / 1000 + 86_400) * 1000);
  const signed = targetsJson({ version, expires, targets: new Map([[path, file]]) });
  const bytes = await signMetadata(index === undefined ? signed : forIndex(signed, index), [ann]);
  scene.repository.putSigned(role, version, bytes);
  await scene.repository.publish();
}

beforeEach(async () => {
  scene = await Scene.make({ trust: false });
  own = scene.repository.fingerprint;
  wheel = scene.repository.addWheel('flask', '1.0');
  scene.repository.remove(wheel.filename);
  scene.repository.claims.set(flask, { project: flask, role, keys: [ann.key], threshold: 1 });
});
afterEach(() => scene.close());

const found = async (name: string): Promise<number | undefined> =>
  (await (await scene.client({ name })).project(flask))?.files.length;

test('a role counts when it names this index, or none, and is refused when it names another one (D4)', async () => {
  await scene.trust([scene.mirror.url]);
  await publish(own);
  assert.equal(await found('main'), 1);
  await publish(FOREIGN, 2);
  await assert.rejects(found('main'), (error) => {
    assert.ok(error instanceof OtherIndexError);
    assert.deepEqual([error.role, error.named, error.own], [role, FOREIGN, own]);
    return true;
  });
  await publish(undefined, 3);
  assert.equal(await found('main'), 1);
});

test('an index is known by its first root, which a later one names, wherever it is', async () => {
  const first = scene.repository.root;
  scene.repository.index = own;
  await scene.repository.publishRoot('root');
  const elsewhere = await scene.addMirror();
  elsewhere.lookup = (address) => scene.repository.lookup(address);
  await scene.trust([scene.mirror.url], 'from-first', first);
  await scene.trust([scene.mirror.url], 'from-later');
  await scene.trust([elsewhere.url], 'moved');
  await publish(own);
  for (const name of ['from-first', 'from-later', 'moved']) assert.equal(await found(name), 1, name);
  await publish(FOREIGN, 2);
  for (const name of ['from-first', 'from-later', 'moved'])
    await assert.rejects(found(name), { code: 'OTHER_INDEX', own }, name);
});

test('who began with a later root that names no index cannot tell, so nothing that names one counts; the error says the way out', async () => {
  await scene.repository.publishRoot('root');
  await scene.trust([scene.mirror.url]);
  await publish(own);
  await assert.rejects(found('main'), (error) => {
    assert.ok(error instanceof OtherIndexError && error.own === undefined);
    assert.match(explain(error).remedy, /fingerprint of its first root.*"holdfast trust remove".*"holdfast trust add"/);
    return true;
  });
});

test('roots of another index are not followed, though the same holders signed them', async () => {
  await scene.trust([scene.mirror.url]);
  await publish(own);
  assert.equal(await found('main'), 1);
  const client = await scene.client();
  scene.repository.index = FOREIGN;
  await scene.repository.publishRoot('online');
  await assert.rejects(client.refresh(), { code: 'OTHER_INDEX', role: 'root', named: FOREIGN, own });
  const { files } = scene.repository;
  files.delete('metadata/2.root.json');
  assert.equal((await client.refresh()).rootVersion, 1);
});

test('what stands in place of a name is refused, whatever it is', async () => {
  await scene.trust([scene.mirror.url]);
  for (const [at, odd] of ['', own.toUpperCase(), `${own}0`, 'x'.repeat(100_000)].entries()) {
    await publish(odd, at + 1);
    await assert.rejects(found('main'), (error) => {
      assert.ok(error instanceof OtherIndexError && error.named.length <= 64);
      return true;
    });
  }
});

import assert from 'node:assert/strict';
import { readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { ExpiredError, RollbackError, UnsignedMetadataError } from '@holdfast/tuf';
import { MirrorsFailedError, NotVouchedError, OfflineMissingError, WrongContentError } from '../src/errors.ts';
import { targetAddress } from './repository.ts';
import { Scene } from './scene.ts';
import { StaticMirror } from './static-mirror.ts';

const demo = normalizeName('demo');
let scene: Scene;

async function demoFile(client: Awaited<ReturnType<Scene['client']>>) {
  const [file] = (await client.project(demo))?.files ?? [];
  assert.ok(file);
  return file;
}

for (const lookups of [true, false]) {
  describe(lookups ? 'from an index with lookups' : 'from a mirror of files', () => {
    beforeEach(async () => {
      scene = await Scene.make({ lookups });
    });
    afterEach(() => scene.close());

    test('lists a project, its metadata and its file from verified roles, and says who vouches for it (D6)', async () => {
      const client = await scene.client();
      const file = await demoFile(client);
      assert.deepEqual(file.voucher.chain, ['targets', 'unclaimed']);
      assert.equal(file.voucher.keyids.length, 1);
      assert.match(Buffer.from((await client.coreMetadata(file)) ?? []).toString(), /Requires-Dist: helper/);
      assert.deepEqual(await readFile(await client.file(file)), scene.repository.files.get(targetAddress(file)));
      assert.equal(await client.project(normalizeName('absent')), undefined);
    });

    test('many requests for one file at once share one download', async () => {
      const client = await scene.client();
      const file = await demoFile(client);
      await Promise.all(Array.from({ length: 20 }, () => client.file(file)));
      assert.equal(scene.mirror.count(targetAddress(file)), 1);
    });

    test('a file with one byte changed is refused and leaves nothing in the store (P20 wrong software)', async () => {
      const client = await scene.client();
      const file = await demoFile(client);
      const good = scene.repository.files.get(targetAddress(file)) ?? assert.fail();
      const bad = Buffer.from(good);
      bad[10] = (bad[10] ?? 0) ^ 1;
      scene.repository.files.set(targetAddress(file), bad);
      await assert.rejects(client.file(file), (error) => error instanceof WrongContentError && error.what === 'sha256');
      scene.repository.files.set(targetAddress(file), good);
      assert.ok(await client.file(file), 'the store stays usable');
    });

    test('METADATA with one byte changed is refused (D12)', async () => {
      const client = await scene.client();
      const file = await demoFile(client);
      const address = `${targetAddress(file)}.metadata`;
      const bad = Buffer.from(scene.repository.files.get(address) ?? []);
      bad[0] = 0x20;
      scene.repository.files.set(address, bad);
      await assert.rejects(client.coreMetadata(file), WrongContentError);
    });

    test('a file that was damaged in the store is noticed, fetched again and reported', async () => {
      const client = await scene.client();
      const file = await demoFile(client);
      const path = await client.file(file);
      const damaged = await readFile(path);
      damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 0xff;
      await writeFile(path, damaged);
      assert.deepEqual(await readFile(await client.file(file)), scene.repository.files.get(targetAddress(file)));
      assert.deepEqual(scene.notices, [{ kind: 'damage', path }]);
    });

    test('verified metadata that was damaged in the store is replaced, and nothing is lost (D3)', async () => {
      const before = await scene.client();
      await before.project(demo);
      const directory = join(scene.home, 'trust', 'main', 'metadata');
      const names = (await readdir(directory)).filter((name) => name.endsWith('.json'));
      assert.ok(names.length >= 4, names.join());
      for (const name of names) await truncate(join(directory, name), 10);
      const client = await scene.client();
      assert.ok(await client.file(await demoFile(client)));
    });

    test('without a network, what was verified and has not expired still installs, with a notice', async () => {
      const before = await scene.client();
      await before.file(await demoFile(before));
      await scene.mirror.close();
      const client = await scene.client();
      const file = await demoFile(client);
      assert.ok(await client.file(file));
      assert.deepEqual(
        scene.notices.map(({ kind }) => kind),
        ['offline', 'mirror-problem'],
      );
      const helper = (await client.project(normalizeName('helper')))?.files[0] ?? assert.fail();
      await assert.rejects(client.file(helper), OfflineMissingError);
    });

    test('without a network, expired metadata is refused (P20 freeze)', async () => {
      const before = await scene.client();
      await before.refresh();
      await scene.mirror.close();
      const later = new Date(Date.now() + 2 * 24 * 3600 * 1000);
      const client = await scene.client({ clock: () => later });
      await assert.rejects(client.project(demo), ExpiredError);
    });

    test('old metadata is refused, and accepted metadata goes on working (P20 rollback)', async () => {
      const old = new Map(scene.repository.files);
      await scene.repository.publish();
      const client = await scene.client();
      await client.refresh();
      for (const [path, bytes] of old) scene.repository.files.set(path, bytes);
      await assert.rejects(client.refresh(), RollbackError);
    });

    test('falls over to the next mirror when the first is down, and says so (P20 malicious mirror)', async () => {
      const down = await StaticMirror.start(new Map());
      const { url } = down;
      await down.close();
      await scene.trust([url, scene.mirror.url], 'two');
      const client = await scene.client({ name: 'two' });
      assert.ok(await client.file(await demoFile(client)));
      assert.deepEqual(
        new Set(scene.notices.map((notice) => notice.kind === 'mirror-problem' && notice.problem.mirror)),
        new Set([url]),
      );
    });

    test('falls over to the next mirror when the first replays old metadata (P20 freeze, rollback)', async () => {
      const stale = await scene.addMirror(new Map(scene.repository.files));
      scene.repository.addWheel('demo', '2.0', {});
      await scene.repository.publish();
      await scene.trust([stale.url, scene.mirror.url], 'two');
      const client = await scene.client({ name: 'two' });
      const names = (await client.project(demo))?.files.map(({ filename }) => filename);
      assert.deepEqual(
        names,
        ['demo-1.0-py3-none-any.whl', 'demo-2.0-py3-none-any.whl'],
        'not frozen by the first mirror',
      );
    });

    test('falls over to the next mirror when the first serves forged metadata, and reports what was wrong', async () => {
      const forger = await scene.addMirror(new Map(scene.repository.files));
      forger.intercept = (_, response, path) => {
        if (path !== 'metadata/timestamp.json') return false;
        const forged = Buffer.from(scene.repository.files.get(path) ?? [])
          .toString()
          .replace('"version":1', '"version":9');
        response.end(forged);
        return true;
      };
      await scene.trust([forger.url, scene.mirror.url], 'two');
      const client = await scene.client({ name: 'two' });
      assert.ok(await client.project(demo));
      const [notice] = scene.notices;
      assert.ok(notice?.kind === 'mirror-problem' && notice.problem.mirror === forger.url);
      assert.ok(notice.problem.error instanceof UnsignedMetadataError);
    });

    test('falls over to the next mirror when the first sends other bytes for a file', async () => {
      const liar = await scene.addMirror();
      liar.intercept = (_, response, path) => path.startsWith('targets/') && (response.end('gotcha'), true);
      await scene.trust([liar.url, scene.mirror.url], 'two');
      const client = await scene.client({ name: 'two' });
      assert.ok(await client.file(await demoFile(client)));
      assert.equal(liar.count(/^targets\//), 1, 'and is not asked for it again');
    });

    test('when every mirror is bad the error says what was wrong with each', async () => {
      const liar = await scene.addMirror();
      liar.intercept = (_, response, path) => path.startsWith('targets/') && (response.end('gotcha'), true);
      scene.mirror.intercept = liar.intercept;
      await scene.trust([liar.url, scene.mirror.url], 'two');
      const client = await scene.client({ name: 'two' });
      const file = await demoFile(client);
      await assert.rejects(client.file(file), (error) => {
        assert.ok(error instanceof MirrorsFailedError);
        assert.deepEqual(new Set(error.problems.map(({ mirror }) => mirror)), new Set([liar.url, scene.mirror.url]));
        return error.cause instanceof WrongContentError;
      });
    });

    test('closing a client ends what it waits for at once', async () => {
      const client = await scene.client();
      scene.mirror.intercept = () => {
        client.close();
        return true;
      };
      const start = performance.now();
      await assert.rejects(client.refresh());
      assert.ok(performance.now() - start < 1_000, 'without waiting for the time-out of 2 s');
    });

    test('a file that the index swept away is looked up again in the newest metadata (P11)', async () => {
      const client = await scene.client({ refreshAfterMs: 3_600_000 });
      const file = await demoFile(client);
      scene.repository.files.delete(targetAddress(file));
      scene.repository.remove(file.filename);
      await scene.repository.publish();
      await assert.rejects(client.file(file), NotVouchedError);
    });

    test('follows root rotations, through several versions and a change of every key (P13)', async () => {
      const client = await scene.client({ refreshAfterMs: 0 });
      await client.project(demo);
      await scene.repository.publishRoot('root');
      await scene.repository.publishRoot('online');
      await scene.repository.publishRoot('root');
      await scene.repository.publish();
      await client.project(demo);
      assert.equal(client.freshness?.rootVersion, 4);
      const fresh = await scene.client();
      assert.ok(await fresh.project(demo));
    });

    test('what the operators say is shown once for each bulletin, and again nowhere (P18)', async () => {
      const said = () => scene.notices.flatMap((notice) => (notice.kind === 'bulletin' ? [notice.bulletin.id] : []));
      await (await scene.client()).project(demo);
      scene.repository.bulletin = { id: 'theft', text: 'Installs failed for a day.' };
      await scene.repository.publish();
      const client = await scene.client({ refreshAfterMs: 0 });
      await client.project(demo);
      await client.project(demo);
      await (await scene.client()).project(demo);
      assert.deepEqual(said(), ['theft']);
    });
  });
}

import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { backupIndex, importFiles, linesSource, restoreIndex } from '../src/index.ts';
import { IS_OURS } from '../src/records/our-roles.ts';
import {
  clientOf,
  listed,
  makeIndex,
  newFile,
  objectKey,
  openBare,
  uploadBare,
  verifiedFiles,
} from './support/bare-index.ts';
import { bytesOf, lines } from './support/population.ts';
import { temporaryDirectory } from './support/tools.ts';

async function backupPlace(t: TestContext): Promise<string> {
  return join(await temporaryDirectory(t, 'backup'), 'copy');
}

test('a backup made while everybody uploads holds all that was acknowledged before, and only what is signed or waits', async (t) => {
  const made = await makeIndex(t);
  const to = await backupPlace(t);
  const index = await openBare(made.directory);
  const before: string[] = [];
  for (let i = 0; i < 20; i += 1) {
    await uploadBare(index, 'demo', `${i}.0`);
    before.push(newFile('demo', `${i}.0`).filename);
  }
  const stop = new AbortController();
  const uploader = async (project: string): Promise<void> => {
    for (let i = 0; !stop.signal.aborted; i += 1) await uploadBare(index, project, `${i}.0`);
  };
  const uploaders = ['alpha', 'beta', 'gamma'].map(uploader);
  const report = await backupIndex(made.directory, to);
  stop.abort();
  await Promise.all(uploaders);
  await index.close();
  assert.deepEqual(report.deletedMeanwhile, []);
  assert.ok(report.objects >= 20);
  assert.deepEqual((await readdir(to)).sort(), ['backup.json', 'config.json', 'keys', 'objects', 'records.sqlite']);

  await rm(made.directory, { recursive: true });
  const restored = await restoreIndex({ from: to, directory: made.directory });
  assert.equal(restored.objects, report.objects);
  assert.deepEqual([restored.missing, restored.recovered], [[], []]);
  const again = await openBare(made.directory);
  const files = await verifiedFiles(made, 'demo');
  assert.deepEqual(
    before.filter((filename) => !files.has(filename)),
    [],
  );
  for (const filename of before) {
    const key = objectKey(newFile('demo', filename.split('-')[1] ?? ''));
    assert.ok(await again.objects.get(key, { maxLength: 1000 }), key);
  }
  await uploadBare(again, 'demo', '99.0');
  assert.ok((await verifiedFiles(made, 'demo')).has(newFile('demo', '99.0').filename));
});

test('the next backup copies only what is new', async (t) => {
  const made = await makeIndex(t);
  const to = await backupPlace(t);
  const index = await openBare(made.directory);
  await uploadBare(index, 'demo', '1');
  await uploadBare(index, 'demo', '2');
  assert.equal((await backupIndex(made.directory, to)).copied, 2);
  await uploadBare(index, 'demo', '3');
  const { objects, copied, timestampVersion } = await backupIndex(made.directory, to);
  assert.deepEqual([objects, copied], [3, 1]);
  const manifest = JSON.parse(await readFile(join(to, 'backup.json'), 'utf8')) as { timestampVersion: number };
  assert.equal(manifest.timestampVersion, timestampVersion);
});

test('users who saw the state that was lost accept the restored index, whose versions are beyond all of theirs', async (t) => {
  const made = await makeIndex(t);
  const to = await backupPlace(t);
  const index = await openBare(made.directory);
  await uploadBare(index, 'demo', '1');
  await backupIndex(made.directory, to);
  const client = clientOf(made);
  for (let i = 2; i < 8; i += 1) await uploadBare(index, 'demo', `${i}`);
  const seen = await client.refresh();
  assert.equal((await listed(client, 'demo')).size, 7);
  await index.close();
  await rm(made.directory, { recursive: true });

  // What would happen with a jump that is too short: versions that were out already, which everybody refuses.
  await restoreIndex({ from: to, directory: made.directory, jump: 1 });
  await (await openBare(made.directory)).close();
  await assert.rejects(client.refresh(), { code: /ROLLBACK|FORK|MISMATCH/ });
  await rm(made.directory, { recursive: true });

  const { timestampVersion } = await restoreIndex({ from: to, directory: made.directory });
  assert.ok(timestampVersion > seen.timestampVersion);
  const restored = await openBare(made.directory);
  const now = await client.refresh();
  assert.ok(now.timestampVersion > timestampVersion);
  assert.deepEqual([...(await listed(client, 'demo')).keys()], ['demo-1-py3-none-any.whl']);
  await uploadBare(restored, 'demo', '2', 'built again');
  await client.refresh();
  assert.equal((await listed(client, 'demo')).size, 2);
  assert.equal((await verifiedFiles(made, 'demo')).size, 2, 'and so do new users');
});

test('a restored index signs all its roles as one publication, also those of an import that was under way', async (t) => {
  const made = await makeIndex(t);
  const to = await backupPlace(t);
  const index = await openBare(made.directory, { massFrom: 50 });
  const source = linesSource({ name: 'x', input: bytesOf(lines(300, 10)), now: new Date() });
  await importFiles(index, { source, account: 'ann' });
  const underWay = {
    begun_at: 0,
    everything: 0,
    next_bin: 7,
    attempt: 3,
    publication: null,
    root: null,
    targets: null,
  };
  await index.records.write((db) =>
    Promise.all([
      db.updateTable('files').set({ state: 'imported' }).where('project', '=', 'imported-7').execute(),
      db.insertInto('mass_publications').values(underWay).execute(),
    ]),
  );
  await index.close();
  await backupIndex(made.directory, to);
  await rm(made.directory, { recursive: true });
  const { timestampVersion } = await restoreIndex({ from: to, directory: made.directory });
  const again = await openBare(made.directory, { massFrom: 50 });
  for (const table of ['mass_publications', 'prepared'] as const)
    assert.deepEqual(await again.records.read.selectFrom(table).selectAll().execute(), [], table);
  const roles = await again.records.read.selectFrom('roles').select(['role', 'publication']).where(IS_OURS).execute();
  assert.ok(roles.length > 200);
  assert.deepEqual([...new Set(roles.map(({ publication }) => publication))], [timestampVersion + 1]);
  const client = clientOf(made);
  await client.refresh();
  for (const project of [7, 8, 299]) assert.equal((await listed(client, `imported-${project}`)).size, 10);
});

test('what was prepared when the backup was made counts as never signed, and its upload is published anew', async (t) => {
  const made = await makeIndex(t);
  const to = await backupPlace(t);
  const { FaultyStore } = await import('./support/faulty-store.ts');
  const objects = await FaultyStore.open(made.directory);
  const index = await openBare(made.directory, { objects });
  await uploadBare(index, 'demo', '1');
  objects.fail(() => 'before');
  await assert.rejects(uploadBare(index, 'demo', '2'), { code: 'PUBLISH_DELAYED' });
  await backupIndex(made.directory, to);
  objects.fail(() => undefined);
  await index.catchUp();
  const client = clientOf(made);
  await client.refresh();
  await index.close();
  await rm(made.directory, { recursive: true });
  await restoreIndex({ from: to, directory: made.directory });
  await openBare(made.directory);
  await client.refresh();
  assert.equal((await listed(client, 'demo')).size, 2);
});

test('files that were published after the backup are found among the objects that are left', async (t) => {
  const made = await makeIndex(t);
  const to = await backupPlace(t);
  const index = await openBare(made.directory);
  await uploadBare(index, 'demo', '1');
  await uploadBare(index, 'demo', '0');
  const deleted = newFile('demo', '0');
  await index.publisher.delete(deleted.project, deleted.filename);
  await backupIndex(made.directory, to);
  await uploadBare(index, 'demo', '2', 'the bytes of version 2');
  const client = clientOf(made);
  const seen = await client.refresh();
  await index.close();
  await writeFile(join(made.directory, 'objects', objectKey(deleted)), 'demo 0'); // As if it was not swept yet.
  await assert.rejects(restoreIndex({ from: to, directory: made.directory }), { code: 'INDEX_EXISTS' });
  for (const name of ['records.sqlite', 'config.json'])
    await rename(join(made.directory, name), join(made.directory, `${name}.lost`));
  const { recovered, timestampVersion } = await restoreIndex({ from: to, directory: made.directory, jump: 1 });
  assert.ok(timestampVersion > seen.timestampVersion, 'the timestamp that is left tells what was seen');
  assert.deepEqual(
    recovered.map((path) => basename(path)),
    ['demo-2-py3-none-any.whl'],
  );
  assert.equal(await readFile(recovered[0] ?? '', 'utf8'), 'the bytes of version 2');
  const restored = await openBare(made.directory);
  await client.refresh();
  await uploadBare(restored, 'demo', '2', 'the bytes of version 2');
  await client.refresh();
  assert.equal((await listed(client, 'demo')).size, 2);
});

test('a damaged object, and a backup that was broken off, are refused', async (t) => {
  const made = await makeIndex(t);
  const to = await backupPlace(t);
  const index = await openBare(made.directory);
  await uploadBare(index, 'demo', '1', '12345678');
  await index.close();
  await backupIndex(made.directory, to);
  const key = objectKey(newFile('demo', '1', '12345678'));
  await writeFile(join(to, 'objects', key), '12345679');
  const fresh = join(to, '../fresh');
  await assert.rejects(restoreIndex({ from: to, directory: fresh }), { code: 'DAMAGED_INDEX' });
  await assert.rejects(openBare(fresh), { code: 'NO_INDEX' });
  await writeFile(join(made.directory, 'objects', key), '12345670');
  await rm(join(to, 'objects', key));
  await assert.rejects(backupIndex(made.directory, to), { code: 'DAMAGED_INDEX' });
  await rm(join(to, 'backup.json'));
  await assert.rejects(restoreIndex({ from: to, directory: join(to, '../other') }), { code: 'NO_BACKUP' });
});

import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { DamagedIndexError, IndexExistsError, IndexInUseError, openIndex, startServer } from '../src/index.ts';
import { TABLES } from '../src/migrate/copy-records.ts';
import { migrateIndex } from '../src/migrate/migrate.ts';
import { startDistributed } from './support/distributed-stores.ts';
import { PASSPHRASE, serveIndex } from './support/served-index.ts';
import { runTool, temporaryDirectory } from './support/tools.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const { postgres, makeStores } = await startDistributed();
const SILENT = { table: (): void => {}, copied: (): void => {}, verified: (): void => {} };

test('an index moves to PostgreSQL and S3 and back, with everything in it, and real pip installs from it after each move', async (t) => {
  const served = await serveIndex(t);
  const { directory, token } = served;
  await assert.rejects(migrateIndex(directory, { records: postgres.database('never') }, SILENT), IndexInUseError);
  for (const version of ['1.0', '2.0']) assert.equal((await upload(served, makeWheel({ version }))).status, 200);
  await served.close();
  const cwd = await temporaryDirectory(t, 'moved');
  const { stores: to, bucket } = await makeStores('moved');

  await migrateIndex(directory, to, SILENT);
  for (const name of ['records.sqlite', 'objects']) await rename(join(directory, name), join(cwd, name));
  await publishAndInstall('3.0');

  // An attempt that broke off in the middle is taken up again; damage is found before anything is switched.
  const key = (await filesBelow(bucket)).find((name) => name.endsWith('.whl')) ?? '';
  const bytes = await readFile(key);
  await writeFile(key, Buffer.alloc(bytes.length));
  await assert.rejects(migrateIndex(directory, {}, SILENT), DamagedIndexError);
  await writeFile(key, bytes);
  await rm(join(directory, 'objects'), { recursive: true });
  await migrateIndex(directory, {}, SILENT);
  await publishAndInstall('4.0');
  await assert.rejects(migrateIndex(directory, to, SILENT), IndexExistsError);

  async function publishAndInstall(version: string): Promise<void> {
    const index = await openIndex(directory, { passphrase: PASSPHRASE });
    const server = await startServer(index, { host: '127.0.0.1', port: 0 });
    try {
      assert.equal((await upload({ url: server.url, token }, makeWheel({ version }))).status, 200);
      const args = ['install', '--no-cache-dir', '--index-url', `${server.url}/simple/`, '--target', version, 'demo'];
      const installed = await runTool('pip', args, { cwd });
      assert.equal(installed.status, 0, installed.output);
      assert.match(await readFile(join(cwd, version, 'demo.py'), 'utf8'), new RegExp(`VERSION = '${version}'`));
      const all = await index.records.read.selectFrom('files').select('filename').execute();
      assert.equal(all.length, Number.parseInt(version, 10));
    } finally {
      await server.close();
      await index.close();
    }
  }
});

test('every table of the records is moved, but that of who signs', async (t) => {
  const served = await serveIndex(t);
  const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(
    served.index.records.read,
  );
  const names = rows.map(({ name }) => name).filter((name) => !/^(sqlite|kysely)_/.test(name) && name !== 'signing');
  assert.deepEqual(names.toSorted(), [...TABLES.keys()].toSorted());
});

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { normalizeName } from '@holdfast/python-index';
import { parseTimestamp } from '@holdfast/tuf';
import {
  DamagedIndexError,
  IndexClosedError,
  IndexExistsError,
  IndexInUseError,
  InvalidLocationError,
  openAccounts,
  openIndex,
} from '../src/index.ts';
import { startPostgres } from './support/postgres-server.ts';
import { startS3Server } from './support/s3-server.ts';
import { PASSPHRASE, serveIndex } from './support/served-index.ts';
import { runTool, temporaryDirectory } from './support/tools.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const [postgres, s3] = [await startPostgres(), await startS3Server()];
after(async () => {
  await postgres.stop();
  await s3.stop();
});
process.env['AWS_ACCESS_KEY_ID'] = s3.credentials.accessKeyId;
process.env['AWS_SECRET_ACCESS_KEY'] = s3.credentials.secretAccessKey;

/** An empty database and an empty bucket, and the directory that the bucket's objects are in. */
async function makeStores(name: string): Promise<{ records: string; objects: string; bucket: string }> {
  const bucket = await s3.bucket(`bucket-${name}`);
  return { records: postgres.database(name), objects: `s3://bucket-${name}?endpoint=${s3.url}`, bucket };
}

test('an index in PostgreSQL and S3 takes uploads of real twine, serves real pip and uv, and goes on after a restart', async (t) => {
  const { bucket, ...stores } = await makeStores('whole');
  const served = await serveIndex(t, {}, { stores });
  const wheel = makeWheel();
  const cwd = await temporaryDirectory(t, 'distributed');
  await writeFile(join(cwd, wheel.filename), wheel.bytes);
  const options = ['--non-interactive', '--disable-progress-bar', '--repository-url', `${served.url}/legacy/`];
  const env = { TWINE_USERNAME: '__token__', TWINE_PASSWORD: served.token };
  const uploaded = await runTool('twine', ['upload', ...options, wheel.filename], { cwd, env });
  assert.equal(uploaded.status, 0, uploaded.output);
  for (const [tool, args] of [
    ['pip', ['install', '--no-cache-dir']],
    ['uv', ['pip', 'install', '--no-config']],
  ] as const) {
    const where = ['--index-url', `${served.url}/simple/`, '--target', `site-${tool}`];
    const installed = await runTool(tool, [...args, ...where, 'demo'], { cwd });
    assert.equal(installed.status, 0, installed.output);
    assert.match(await readFile(join(cwd, `site-${tool}`, 'demo.py'), 'utf8'), /VERSION = '1\.0'/);
  }
  const names = await readdir(served.directory);
  assert.ok(!names.includes('objects') && !names.includes('records.sqlite'), names.join());
  assert.deepEqual(await served.leftovers(), []);
  const published = parseTimestamp(await readFile(join(bucket, 'metadata', 'timestamp.json'))).signed.version;
  await served.close();
  const again = await openIndex(served.directory, { passphrase: PASSPHRASE });
  assert.equal((await again.catalog.projectPage(normalizeName('demo')))?.files.length, 1);
  const timestamp = await again.metadata.newest('timestamp');
  assert.ok(timestamp && parseTimestamp(timestamp).signed.version >= published);
  await again.close();
});

test('a second signer is refused wherever it runs, accounts are not, and one that lost its right publishes nothing', async (t) => {
  const { bucket: _, ...stores } = await makeStores('signers');
  const lost = Promise.withResolvers<void>();
  const served = await serveIndex(t, {}, { stores, onSignerLost: () => lost.resolve() });
  const elsewhere = await temporaryDirectory(t, 'elsewhere');
  await promisify(execFile)('cp', ['-r', `${served.directory}/config.json`, `${served.directory}/keys`, elsewhere]);
  await assert.rejects(openIndex(elsewhere, { passphrase: PASSPHRASE }), IndexInUseError);
  const { accounts, close } = await openAccounts(elsewhere);
  await accounts.createAccount('bob');
  await close();
  assert.equal((await upload(served, makeWheel({ version: '1.0' }))).status, 200);
  postgres.endSigner('signers');
  await lost.promise;
  assert.equal((await upload(served, makeWheel({ version: '2.0' }))).status, 503);
  await assert.rejects(served.index.importOffline({}), IndexClosedError);
  const page = await fetch(`${served.url}/simple/demo/`);
  assert.match(await page.text(), /demo-1\.0/);
  const successor = await openIndex(elsewhere, { passphrase: PASSPHRASE });
  await successor.close();
});

test('no index is made in a database or a bucket that holds one, or at a location with a password', async (t) => {
  const { bucket: _, ...stores } = await makeStores('taken');
  await serveIndex(t, {}, { stores }).then((served) => served.close());
  await assert.rejects(serveIndex(t, {}, { stores }), IndexExistsError);
  const other = { ...stores, records: postgres.database('other') };
  await assert.rejects(serveIndex(t, {}, { stores: other }), DamagedIndexError);
  const open = { ...stores, records: 'postgres://ann:hidden@host/index' };
  await assert.rejects(serveIndex(t, {}, { stores: open }), InvalidLocationError);
});

test('an index in its own directory loads neither the client of PostgreSQL nor that of S3', async () => {
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (/^(pg|@aws-sdk|@smithy)(\\/|$)/.test(name)) throw new Error(name + ' was loaded');
        return next(name, context);
      },
    });
    const { openIndex } = await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)});
    await openIndex('/nowhere', { passphrase: '' }).catch(({ code }) => console.log(code));
    await import('pg').catch(({ message }) => console.log(message));
  `;
  const args = ['--conditions=holdfast-source', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
  assert.equal(stdout, 'NO_INDEX\npg was loaded\n');
});

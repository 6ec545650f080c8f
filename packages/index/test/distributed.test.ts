import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { normalizeName } from '@holdfast/python-index';
import { parseTimestamp } from '@holdfast/tuf';
import {
  DamagedIndexError,
  IndexExistsError,
  IndexInUseError,
  InvalidLocationError,
  openAccounts,
  openIndex,
} from '../src/index.ts';
import { startDistributed } from './support/distributed-stores.ts';
import { PASSPHRASE, serveIndex } from './support/served-index.ts';
import { runTool, temporaryDirectory } from './support/tools.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const { postgres, makeStores } = await startDistributed();

test('an index in PostgreSQL and S3 takes uploads of real twine, serves real pip and uv, and goes on after a restart', async (t) => {
  const { stores, bucket } = await makeStores('whole');
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

test('accounts are made beside those who serve, and a directory is served by one process', async (t) => {
  const { stores } = await makeStores('signers');
  const served = await serveIndex(t, {}, { stores });
  const { accounts, close } = await openAccounts(served.directory);
  await accounts.createAccount('bob');
  await close();
  await assert.rejects(openIndex(served.directory, { passphrase: PASSPHRASE }), IndexInUseError);
});

test('while the database is away, uploads are told to come again and metadata is served; then publishing goes on by itself', async (t) => {
  const { stores } = await makeStores('away');
  const served = await serveIndex(t, {}, { stores });
  assert.equal((await upload(served, makeWheel({ version: '1.0' }))).status, 200);
  postgres.endSessions('away');
  assert.equal((await fetch(`${served.url}/simple/demo/`)).status, 200, 'a broken connection is replaced');
  await postgres.halt();
  const refused = await Promise.all(['2.0', '3.0', '4.0'].map((version) => upload(served, makeWheel({ version }))));
  for (const answer of refused) {
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('Retry-After')) > 0);
  }
  assert.equal((await fetch(`${served.url}/metadata/timestamp.json`)).status, 200);
  await postgres.start();
  assert.equal((await upload(served, makeWheel({ version: '2.0' }))).status, 200);
  const page = await (await fetch(`${served.url}/simple/demo/`)).text();
  assert.match(page, /demo-1\.0.*demo-2\.0/s);
});

test('no index is made in a database or a bucket that holds one, or at a location with a password', async (t) => {
  const { stores } = await makeStores('taken');
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

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { addTrust, IndexClient } from '@holdfast/installer';
import { normalizeName } from '@holdfast/python-index';
import { uploadBare } from '../../index/test/support/bare-index.ts';
import { rawRequest } from '../../index/test/support/raw-request.ts';
import { type ServedIndexUnderTest, serveIndex } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { startChromium } from '../../tuf/test/browser/chromium.ts';
import { proxy } from './damaging-proxy.ts';

/** What came for a version of the role that has all files, as it was on the wire. */
interface Seen {
  readonly path: string;
  readonly asked: string | undefined;
  readonly coding: string | undefined;
  readonly bytes: number;
}

/** An address of the index that notes how roles are sent, and keeps lookups to itself: clients then fetch plain files. */
async function watched(t: TestContext, served: ServedIndexUnderTest): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const url = await proxy(t, served.url, (path, answer, asked) => {
    if (path.startsWith('/lookup/')) answer.status = 404;
    if (!/^\/metadata\/\d+\.unclaimed\.json$/.test(path)) return;
    const { 'content-encoding': coding } = answer.headers;
    const dictionary = asked['available-dictionary'];
    seen.push({ path, asked: dictionary?.toString(), coding, bytes: answer.body.length });
  });
  return { url, seen };
}

async function newestOf(served: ServedIndexUnderTest): Promise<{ path: string; plain: Buffer }> {
  const roles = served.index.records.read.selectFrom('roles').select('version').where('role', '=', 'unclaimed');
  const { version } = await roles.executeTakeFirstOrThrow();
  const path = `metadata/${version}.unclaimed.json`;
  return { path, plain: Buffer.from(await (await fetch(`${served.url}/${path}`)).arrayBuffer()) };
}

/** A web site with an empty page: pages of the index itself may fetch nothing, any other page may read it. */
async function startSite(t: TestContext): Promise<string> {
  const site = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  t.after(() => {
    site.closeAllConnections();
    site.close();
  });
  const address = site.address();
  assert.ok(typeof address === 'object' && address);
  return `http://127.0.0.1:${address.port}/`;
}

async function filled(t: TestContext): Promise<ServedIndexUnderTest> {
  const served = await serveIndex(t);
  for (let version = 0; version < 20; version++) await uploadBare(served.index, 'demo', `1.${version}`);
  return served;
}

/** The content coding `dcz` against this dictionary, in a fraction of what everybody else is sent. */
function assertDelta(seen: Seen | undefined, dictionary: Buffer, plain: Buffer): void {
  assert.deepEqual([seen?.coding, seen?.asked], ['dcz', `:${hash('sha256', dictionary, 'base64')}:`]);
  assert.ok((seen?.bytes ?? plain.length) < plain.length / 10, `${seen?.bytes} of ${plain.length} bytes`);
}

test('Chromium is sent what changed since the version that it holds, as RFC 9842 says, and sees the whole', async (t) => {
  const served = await filled(t);
  const { url, seen } = await watched(t, served);
  const directory = await temporaryDirectory(t, 'dictionary');
  await using chromium = await startChromium(join(directory, 'profile'));
  const page = await chromium.context.newPage();
  await page.goto(await startSite(t));
  const load = (path: string): Promise<string> =>
    page.evaluate(async (at) => (await fetch(at, { cache: 'no-store' })).text(), url + path);

  const old = await newestOf(served);
  // The first answer becomes a dictionary in the background: nothing but a request tells that it did.
  do {
    assert.ok(seen.length < 100, 'it was never taken for a dictionary');
    assert.equal(await load(old.path), old.plain.toString());
  } while (seen.at(-1)?.asked === undefined);
  assert.notEqual(seen.at(-1)?.coding, 'dcz', 'nothing changed since');
  await uploadBare(served.index, 'demo', '2.0');
  const now = await newestOf(served);
  assert.equal(await load(now.path), now.plain.toString());
  assertDelta(seen.at(-1), old.plain, now.plain);
});

test('the installer is sent what changed by a mirror without lookups, and believes what it decodes only as it was signed', async (t) => {
  const served = await filled(t);
  const { url, seen } = await watched(t, served);
  const home = join(await temporaryDirectory(t, 'dictionary'), 'home');
  await addTrust({ home, name: 'main', urls: [url], root: served.root, environment: {} });
  const files = async (): Promise<number | undefined> => {
    const client = await IndexClient.open({ home, environment: {} });
    try {
      return (await client.project(normalizeName('demo')))?.files.length;
    } finally {
      client.close();
    }
  };
  const old = await newestOf(served);
  assert.equal(await files(), 20);
  assert.deepEqual([seen.at(-1)?.path, seen.at(-1)?.asked], [`/${old.path}`, undefined]);
  await uploadBare(served.index, 'demo', '2.0');
  const now = await newestOf(served);
  assert.equal(await files(), 21);
  assertDelta(seen.at(-1), old.plain, now.plain);
});

test('zstd, the program, decodes the body as it came', async (t) => {
  const served = await filled(t);
  const directory = await temporaryDirectory(t, 'dictionary');
  const old = await newestOf(served);
  await writeFile(join(directory, 'old.json'), old.plain);
  await uploadBare(served.index, 'demo', '2.0');
  const now = await newestOf(served);
  const asked = `:${hash('sha256', old.plain, 'base64')}:`;
  const { headers, body } = await rawRequest(`${served.url}/${now.path}`, {
    headers: { 'accept-encoding': 'dcz', 'available-dictionary': asked },
  });
  assertDelta({ path: now.path, asked, coding: headers['content-encoding'], bytes: body.length }, old.plain, now.plain);
  await writeFile(join(directory, 'new.json.dcz'), body);
  // It skips the header of the coding, which is a skippable frame.
  const options = ['--decompress', '--quiet', '-D', 'old.json', '-o', 'new.json', 'new.json.dcz'];
  await promisify(execFile)('zstd', options, { cwd: directory });
  assert.deepEqual(await readFile(join(directory, 'new.json')), now.plain);
});

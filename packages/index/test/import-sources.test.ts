import assert from 'node:assert/strict';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  directorySource,
  type ImportProblem,
  type ImportSource,
  importFiles,
  linesSource,
  type OpenIndex,
  urlSource,
} from '../src/index.ts';
import { sha256Of } from '../src/import/store-file.ts';
import { clientOf, listed, makeIndex, openBare } from './support/bare-index.ts';
import { bytesOf, lines } from './support/population.ts';
import { serveIndex } from './support/served-index.ts';
import { runTool, temporaryDirectory } from './support/tools.ts';
import { makeSdist, makeTar, makeWheel } from './support/wheel.ts';
import { gzipSync } from 'node:zlib';

const now = new Date('2026-01-01T00:00:00Z');

async function bring(index: OpenIndex, source: ImportSource) {
  const problems: ImportProblem[] = [];
  const summary = await importFiles(index, { source, account: 'ann', onProblem: (problem) => problems.push(problem) });
  return { ...summary, problems };
}

const target = ({ objects, catalog }: OpenIndex) => ({
  objects,
  sha256Of: (name: string) => catalog.sha256Of(name),
});

/** A server of a few lines, gone when the test ends. */
async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const legacy = {
  filename: 'Old.Demo-1.0-RC1.tar.gz',
  bytes: gzipSync(
    makeTar([['Old.Demo-1.0-RC1/PKG-INFO', 'Metadata-Version: 1.1\nName: Old.Demo\nVersion: 1.0-RC1\n']]),
  ),
};

test('a directory of files is imported, old names too; what is no distribution is told; pip installs from the result', async (t) => {
  const { index, url } = await serveIndex(t);
  const place = await temporaryDirectory(t, 'import');
  await mkdir(join(place, 'files', 'deep'), { recursive: true });
  const wheel = makeWheel({ requiresPython: '>=3.6' });
  for (const { filename, bytes } of [wheel, legacy]) await writeFile(join(place, 'files', 'deep', filename), bytes);
  const sdist = makeSdist();
  await writeFile(join(place, 'files', sdist.filename), sdist.bytes);
  await writeFile(join(place, 'files', 'index.html'), 'a page');
  await writeFile(join(place, 'files', 'broken-1.0-py3-none-any.whl'), 'no zip');
  await writeFile(join(place, 'files', 'demo-1.0.zip'), 'no zip');
  const source = (): ImportSource => directorySource(join(place, 'files'), target(index));
  const first = await bring(index, source());
  assert.deepEqual([first.added, first.refused, first.withoutBytes], [3, 2, 0]);
  assert.deepEqual(first.problems.map(({ item }) => item).sort(), ['broken-1.0-py3-none-any.whl', 'demo-1.0.zip']);
  assert.deepEqual([(await bring(index, source())).known], [3]);
  const page = await (await fetch(`${url}/simple/old-demo/`)).text();
  assert.match(page, /Old\.Demo-1\.0-RC1\.tar\.gz/);
  const { status, output } = await runTool(
    'pip',
    ['install', '--index-url', `${url}/simple/`, '--target', 'out', '--no-deps', 'demo'],
    { cwd: place },
  );
  assert.equal(status, 0, output);
});

test('another index is imported by its address, JSON and HTML, with all that its pages say, and once only', async (t) => {
  const from = await serveIndex(t);
  const place = await temporaryDirectory(t, 'from');
  const files = [makeWheel({ requiresPython: '>=3.6' }), makeSdist(), makeWheel({ name: 'other' }), legacy];
  for (const { filename, bytes } of files) await writeFile(join(place, filename), bytes);
  await bring(from.index, directorySource(place, target(from.index)));
  await from.index.publisher.setYanked((await demo(from.index)).name, ['demo-1.0.tar.gz'], 'broken');
  const pages = await serve(t, (request, response) => {
    // The same pages, but HTML only.
    void forward(from.url + request.url, response);
  });
  for (const url of [from.url, pages]) {
    const made = await makeIndex(t);
    const index = await openBare(made.directory);
    const source = (): ImportSource => urlSource({ url: `${url}/simple/`, now, ...target(index) });
    const first = await bring(index, source());
    assert.deepEqual([first.problems, first.added], [[], 4]);
    assert.deepEqual([(await bring(index, source())).known], [4]);
    const [theirs, ours] = [await demo(from.index), await demo(index)];
    const facts = ({ files: own }: typeof ours) => own.map((file) => ({ ...file, uploadTime: undefined })).sort(byName);
    assert.deepEqual(facts(ours), facts(theirs));
    if (url === from.url) assert.deepEqual(ours.files.map(time).sort(), theirs.files.map(time).sort());
    const client = clientOf(made);
    await client.refresh();
    assert.equal((await listed(client, 'old-demo')).size, 1);
  }
});

async function forward(url: string, response: ServerResponse): Promise<void> {
  const answer = await fetch(url, { headers: { accept: 'text/html' } });
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

const time = ({ uploadTime }: { uploadTime: Date }): string => uploadTime.toISOString();
const byName = (a: { filename: string }, b: { filename: string }): number => (a.filename < b.filename ? -1 : 1);

async function demo(index: OpenIndex) {
  const page = await index.catalog.projectPage((await index.catalog.projectNames()).find((n) => n === 'demo') as never);
  assert.ok(page);
  return page;
}

test('an index that lies, sends pages elsewhere, or speaks another version is refused, project by project', async (t) => {
  const wheel = makeWheel({ name: 'good' });
  const sha256 = sha256Of(wheel.bytes);
  const page = (file: object, version = '1.4'): object => ({
    meta: { 'api-version': version },
    name: 'x',
    files: [file],
  });
  const file = (name: string, facts: object = {}): object => ({
    filename: wheel.filename.replace('good', name),
    url: `/files/${wheel.filename.replace('good', name)}`,
    hashes: { sha256 },
    ...facts,
  });
  const answers = new Map<string, object>([
    [
      '/simple/',
      {
        meta: { 'api-version': '1.4' },
        projects: [...'abcdefg'].map((name) => ({ name })).concat([{ name: '../up' }, { name: 'good' }]),
      },
    ],
    ['/simple/good/', page(file('good'))],
    ['/simple/a/', page(file('a', { hashes: { sha256: 'ab'.repeat(32) } }))],
    ['/simple/b/', page(file('b', { hashes: { md5: 'ab' } }))],
    ['/simple/c/', page(file('other'))],
    ['/simple/d/', page(file('d'), '2.0')],
    ['/simple/f/', page(file('f', { url: 'ftp://127.0.0.1/f' }))],
  ]);
  const url = await serve(t, (request, response) => {
    const { url: path = '' } = request;
    const answer = answers.get(path);
    if (path === '/simple/e/') response.writeHead(302, { location: 'http://127.0.0.1:9/simple/e/' }).end();
    else if (path.startsWith('/files/')) response.end(wheel.bytes);
    else if (!answer) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' }).end(JSON.stringify(answer));
  });
  const index = await openBare((await makeIndex(t)).directory);
  const { added, problems } = await bring(index, urlSource({ url: `${url}/simple`, now, ...target(index) }));
  assert.equal(added, 1);
  const reasons = new Map(problems.map(({ item, reason }) => [item, reason]));
  for (const [item, reason] of [
    ['../up', /not a project name/],
    ['a-1.0-py3-none-any.whl', /another SHA-256/],
    ['b-1.0-py3-none-any.whl', /gives no SHA-256/],
    ['other-1.0-py3-none-any.whl', /belongs to the project other/],
    ['d', /another version of the Simple API/],
    ['e', /sends pages to another host/],
    ['f', /an odd address/],
    ['g', /HTTP 404/],
  ] as const)
    assert.match(reasons.get(item) ?? '', reason, item);
  assert.equal(problems.length, 8);
});

test('files without bytes are fetched from where they are, or answer 404 that says so, until they are brought in', async (t) => {
  const { index, url } = await serveIndex(t);
  const wheel = makeWheel({ name: 'away' });
  const other = await serve(t, (_request, response) => response.end(wheel.bytes));
  const [line] = lines(1, 1);
  const away = {
    ...line,
    yanked: false,
    project: 'away',
    filename: wheel.filename,
    sha256: sha256Of(wheel.bytes),
    size: wheel.bytes.length,
  };
  const own = { ...line, url: `${other}/x/${line?.filename}` };
  const lost = { ...line, project: 'lost', filename: 'lost-1.0-py3-none-any.whl' };
  const read = (name: string, list: object[], filesAt?: string) =>
    bring(index, linesSource({ name, input: bytesOf(list), now, filesAt }));
  await read('1', [away, own], `${other}/all/`);
  assert.equal((await read('2', [lost])).withoutBytes, 1);
  const address = async (project: string): Promise<string> => {
    const page = (await (
      await fetch(`${url}/simple/${project}/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } })
    ).json()) as { files: { url: string }[] };
    return new URL(page.files[0]?.url ?? '', `${url}/simple/${project}/`).href;
  };
  const redirected = await fetch(await address('imported-0'), { redirect: 'manual' });
  assert.deepEqual(
    [redirected.status, redirected.headers.get('location'), redirected.headers.get('cache-control')],
    [302, own.url, 'no-store'],
  );
  const answer = await fetch(await address('lost'));
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /imported without its bytes/);
  const place = await temporaryDirectory(t, 'away');
  const { status, output } = await runTool('pip', ['download', '--index-url', `${url}/simple/`, '--no-deps', 'away'], {
    cwd: place,
  });
  assert.equal(status, 0, output);
  await mkdir(join(place, 'files'));
  await writeFile(join(place, 'files', wheel.filename), wheel.bytes);
  assert.equal((await bring(index, directorySource(join(place, 'files'), target(index)))).known, 1);
  assert.equal((await fetch(await address('away'), { redirect: 'manual' })).status, 200);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { uploadForm, upload } from './support/upload.ts';
import { rawRequest } from './support/raw-request.ts';
import { serveMemory } from './support/served.ts';
import { makeWheel } from './support/wheel.ts';

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';

test('a project page is served as the client asks: JSON to pip and uv, HTML to browsers (PEP 691)', async (t) => {
  const { index, url } = await serveMemory(t);
  index.list('demo', 2);
  const accepts: readonly (readonly [string, string])[] = [
    [`${JSON_TYPE}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01`, JSON_TYPE],
    [`${JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01`, JSON_TYPE],
    [`${JSON_TYPE}, */*;q=0.1`, JSON_TYPE],
    ['*/*', 'text/html; charset=utf-8'],
    ['text/html', 'text/html; charset=utf-8'],
  ];
  for (const [accept, type] of accepts) {
    const response = await fetch(`${url}/simple/demo/`, { headers: { accept } });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), type);
    assert.equal(response.headers.get('vary'), 'Accept, Accept-Encoding');
    assert.match(await response.text(), /demo-1\.0-py3-none-any\.whl/);
  }
});

test('pages answer at the normalized name with a slash; every other spelling is redirected there once', async (t) => {
  const { index, url } = await serveMemory(t);
  index.list('my-demo', 1);
  for (const spelling of ['My_Demo/', 'my.demo', 'my-demo', 'MY--demo/', 'my%2Ddemo/']) {
    const response = await fetch(`${url}/simple/${spelling}`, { redirect: 'manual' });
    assert.equal(response.status, 301, spelling);
    assert.equal(response.headers.get('location'), '/simple/my-demo/');
  }
  assert.equal((await fetch(`${url}/simple`, { redirect: 'manual' })).headers.get('location'), '/simple/');
});

test('what does not exist is 404, never 403 and never an empty page, whatever the name looks like', async (t) => {
  const { url } = await serveMemory(t);
  for (const path of [
    'nothing/',
    '-bad-/',
    '%00/',
    '%E0%A4/',
    'a/b/',
    `${'x'.repeat(290)}/`,
    '%2e%2e%2fetc/',
    'con/',
  ]) {
    const response = await fetch(`${url}/simple/${path}`);
    assert.equal(response.status, 404, path);
    await response.text();
  }
});

test('a page may be kept but must be asked for: no-cache, a strong tag, 304 when nothing changed', async (t) => {
  const { index, url } = await serveMemory(t);
  index.list('demo', 1);
  const page = `${url}/simple/demo/`;
  const first = await fetch(page, { headers: { accept: JSON_TYPE } });
  const etag = first.headers.get('etag') ?? '';
  assert.match(etag, /^"[0-9a-f]{64}(-gzip|-zstd|-br)?"$/);
  assert.equal(first.headers.get('cache-control'), 'no-cache');
  const again = await fetch(page, { headers: { accept: JSON_TYPE, 'if-none-match': etag } });
  assert.equal(again.status, 304);
  assert.equal(again.headers.get('etag'), etag);
  const html = await fetch(page, { headers: { accept: 'text/html', 'if-none-match': etag } });
  assert.equal(html.status, 200, 'another representation has another tag');
});

test('a new upload is on the page at once, for who has the old page too (A3)', async (t) => {
  const served = await serveMemory(t);
  assert.equal((await upload(served, makeWheel())).status, 200);
  const page = `${served.url}/simple/demo/`;
  const before = await fetch(page, { headers: { accept: JSON_TYPE } });
  const etag = before.headers.get('etag') ?? '';
  await before.text();
  assert.equal((await upload(served, makeWheel({ version: '2.0' }))).status, 200);
  const after = await fetch(page, { headers: { accept: JSON_TYPE, 'if-none-match': etag } });
  assert.equal(after.status, 200);
  assert.match(await after.text(), /demo-2\.0-/);
});

test('a page is compressed when asked for, under a tag of its own, and HEAD tells the same without the bytes', async (t) => {
  const { index, url } = await serveMemory(t);
  index.list('demo', 100);
  const plain = await rawRequest(`${url}/simple/demo/`, { headers: { accept: JSON_TYPE } });
  const gzip = await rawRequest(`${url}/simple/demo/`, {
    headers: { accept: JSON_TYPE, 'accept-encoding': 'gzip, deflate' },
  });
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.notEqual(gzip.headers.etag, plain.headers.etag);
  assert.ok(gzip.body.length < plain.body.length / 4);
  assert.ok(gunzipSync(gzip.body).equals(plain.body));
  const head = await rawRequest(`${url}/simple/demo/`, { method: 'HEAD', headers: { accept: JSON_TYPE } });
  assert.equal(head.body.length, 0);
  assert.equal(head.headers['content-length'], String(plain.body.length));
  assert.equal(head.headers.etag, plain.headers.etag);
});

test('the root lists every project, in both formats', async (t) => {
  const { index, url } = await serveMemory(t);
  index.list('beta', 1);
  index.list('alpha', 1);
  const json = (await (await fetch(`${url}/simple/`, { headers: { accept: JSON_TYPE } })).json()) as {
    projects: object[];
  };
  assert.deepEqual(json.projects, [{ name: 'alpha' }, { name: 'beta' }]);
  assert.match(await (await fetch(`${url}/simple/`)).text(), /<a href="[^"]*alpha\/">alpha<\/a>/);
});

test('a page answers GET and HEAD only, and says so', async (t) => {
  const { url } = await serveMemory(t);
  const response = await fetch(`${url}/simple/demo/`, { method: 'POST', body: uploadForm(makeWheel()) });
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('allow'), 'GET, HEAD');
});

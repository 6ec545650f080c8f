import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { ProjectFullError, PublishDelayedError, StorageFullError } from '../src/errors.ts';
import { Blake2b } from '../src/upload/blake2b.ts';
import { rawRequest } from './support/raw-request.ts';
import { type Served, serveMemory } from './support/served.ts';
import { basic, upload, uploadForm } from './support/upload.ts';
import { type Distribution, makeSdist, makeWheel } from './support/wheel.ts';

const listed = (served: Served, name = 'demo'): readonly string[] =>
  (served.index.files.get(normalizeName(name)) ?? []).map(({ filename }) => filename);

async function code(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  return `${response.status} ${((await response.json()) as { error: string }).error}`;
}

const asJson = { accept: 'application/json' };

test('a wheel and an sdist are published, and what the page says comes from inside them', async (t) => {
  const served = await serveMemory(t);
  const wheel = makeWheel({ requiresPython: '>=3.8' });
  for (const file of [wheel, makeSdist()]) {
    const response = await upload(served, file, { requires_python: '>=2.0', summary: 'a lie' });
    assert.equal(response.status, 200);
    assert.match(await response.text(), new RegExp(`^Published ${file.filename.replaceAll('.', '\\.')}: .* signed`));
  }
  const [first, second] = served.index.files.get(normalizeName('demo')) ?? [];
  assert.equal(first?.requiresPython, '>=3.8');
  assert.equal(second?.coreMetadata, undefined, 'metadata is served for wheels only');
  const page = new URL(`${served.url}/simple/demo/`);
  const fetched = await rawRequest(new URL(first?.url ?? '', page).href);
  assert.ok(fetched.body.equals(wheel.bytes));
  const metadata = await rawRequest(`${new URL(first?.url ?? '', page).href}.metadata`);
  assert.equal(createHash('sha256').update(metadata.body).digest('hex'), first?.coreMetadata?.sha256);
  assert.match(metadata.body.toString(), /^Requires-Python: >=3\.8$/m);
  assert.deepEqual(await served.leftovers(), []);
});

test('fields after the file count, as uv sends them, and no part needs a Content-Type (A4)', async (t) => {
  const served = await serveMemory(t);
  const { filename, bytes } = makeWheel();
  const part = (name: string, value: string): string =>
    `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const body = Buffer.concat([
    Buffer.from(part(':action', 'file_upload') + part('protocol_version', '1')),
    Buffer.from(`--X\r\nContent-Disposition: form-data; name="content"; filename="${filename}"\r\n\r\n`),
    bytes,
    Buffer.from(`\r\n${part('name', 'demo')}${part('version', '1.0')}${part('filetype', 'bdist_wheel')}`),
    Buffer.from(`${part('pyversion', 'py3')}${part('sha256_digest', sha256)}${part('attestations', '[]')}`),
    Buffer.from(`${part('provides_extras', 'x')}${part('license_file', 'A')}${part('license_file', 'B')}--X--\r\n`),
  ]);
  const response = await rawRequest(`${served.url}/legacy/`, {
    method: 'POST',
    headers: { Authorization: basic(served.token), 'Content-Type': 'multipart/form-data; boundary=X' },
    body,
  });
  assert.equal(response.status, 200, response.body.toString());
});

test('the same bytes again are 200, other bytes under the name are 400 "File already exists" (A4)', async (t) => {
  const served = await serveMemory(t);
  const first = makeWheel();
  const other: Distribution = { filename: first.filename, bytes: makeWheel({ extra: [['more.py', '']] }).bytes };
  assert.equal((await upload(served, first)).status, 200);
  const again = await upload(served, first);
  assert.equal(again.status, 200);
  assert.match(await again.text(), /^Already published/);
  const refused = await upload(served, other);
  assert.equal(refused.status, 400);
  assert.match(refused.statusText, /^File already exists: demo-1\.0-py3-none-any\.whl/);
  const page = new URL(served.index.files.get(normalizeName('demo'))?.[0]?.url ?? '', `${served.url}/simple/demo/`);
  assert.ok((await rawRequest(page.href)).body.equals(first.bytes), 'the published bytes stay');
  const names = [];
  for await (const key of served.index.objects.list('targets/')) names.push(key);
  assert.equal(names.length, 2, 'the refused bytes are not kept');
});

test('two different files under one name at once: one is published, the other is refused', async (t) => {
  const served = await serveMemory(t);
  const { filename } = makeWheel();
  const files = Array.from({ length: 6 }, (_, i) => ({
    filename,
    bytes: makeWheel({ extra: [['n.py', `${i}`]] }).bytes,
  }));
  const statuses = await Promise.all(files.map(async (file) => (await upload(served, file)).status));
  assert.deepEqual(
    statuses.sort((a, b) => a - b),
    [200, 400, 400, 400, 400, 400],
  );
  assert.deepEqual(listed(served), [filename]);
  assert.deepEqual(await served.leftovers(), []);
});

test('the same file twice at once is published once, and both uploaders are told so', async (t) => {
  const served = await serveMemory(t);
  const answers = await Promise.all([1, 2, 3, 4].map(() => upload(served, makeWheel())));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal(listed(served).length, 1);
});

test('the reason phrase is the message, for twine; a JSON body has it as "code", for uv (A4)', async (t) => {
  const served = await serveMemory(t);
  const text = await upload(served, makeWheel(), { version: '2.0' }, { accept: '*/*' });
  assert.equal(text.status, 400);
  assert.match(text.statusText, /^The form says version "2\.0", but the file/);
  assert.equal((await text.text()).trim(), text.statusText);
  const json = await upload(
    served,
    makeWheel(),
    { version: '2.0' },
    {
      accept: 'application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7',
    },
  );
  assert.equal(json.headers.get('content-type'), 'application/json', 'exactly: uv compares the whole field');
  const body = (await json.json()) as Record<string, unknown>;
  assert.equal(body['code'], `400 ${text.statusText}`);
  assert.equal(body['error'], 'UPLOAD_FILENAME_MISMATCH');
});

test('no message breaks the status line: line breaks, controls and other alphabets are replaced', async (t) => {
  const served = await serveMemory(t);
  const form = uploadForm(makeWheel(), { version: '1.0\r\nX-Evil: 1\u0000é漢' });
  const response = await fetch(`${served.url}/legacy/`, {
    method: 'POST',
    headers: { Authorization: basic(served.token) },
    body: form,
  });
  assert.equal(response.status, 400);
  assert.equal(response.headers.get('x-evil'), null);
  assert.match(response.statusText, /^[\x20-\x7e]+$/);
});

test('missing credentials are 401 with a challenge, wrong ones 403, and neither reads the file (A5)', async (t) => {
  const served = await serveMemory(t);
  const send = (authorization?: string): Promise<Response> =>
    fetch(`${served.url}/legacy/`, {
      method: 'POST',
      headers: { ...asJson, ...(authorization !== undefined && { authorization }) },
      body: uploadForm(makeWheel()),
    });
  const missing = await send();
  assert.equal(missing.status, 401);
  assert.match(missing.headers.get('www-authenticate') ?? '', /^Basic realm=/);
  const wrong = [
    basic('hf_other'),
    basic(''),
    basic(served.token, 'ann'),
    'Basic',
    'Basic !!!',
    'Digest x',
    `Bearer ${'x'.repeat(9000)}`,
    `Basic ${Buffer.from('nocolon').toString('base64')}`,
  ];
  for (const authorization of wrong) {
    const answer = await send(authorization);
    assert.equal(answer.status, 403, authorization);
    assert.equal(((await answer.json()) as { error: string }).error, 'CREDENTIALS_WRONG');
  }
  assert.equal((await send(`Bearer ${served.token}`)).status, 200);
});

test('a project is its first uploader’s; a project token is good for that project only', async (t) => {
  const served = await serveMemory(t);
  served.index.tokens.set('bob', { account: 'bob' });
  served.index.tokens.set('scoped', { account: 'ann', project: normalizeName('other') });
  assert.equal((await upload(served, makeWheel())).status, 200);
  for (const token of ['bob', 'scoped']) {
    const file = makeWheel({ version: '2.0' });
    assert.equal(await code(upload({ ...served, token }, file, {}, asJson)), '403 NOT_YOUR_PROJECT');
  }
  assert.deepEqual(await served.leftovers(), []);
  assert.equal(listed(served).length, 1);
});

test('/legacy without its slash is 308, so that uv repeats the upload there (A2)', async (t) => {
  const served = await serveMemory(t);
  const response = await fetch(`${served.url}/legacy`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Authorization: basic(served.token) },
    body: uploadForm(makeWheel()),
  });
  assert.equal(response.status, 308);
  assert.equal(response.headers.get('location'), '/legacy/');
  const get = await fetch(`${served.url}/legacy/`);
  assert.equal(get.status, 405);
  assert.equal(get.headers.get('allow'), 'POST');
});

test('old actions are 410, and a form without file, name, digest or the right protocol is 400 with the reason', async (t) => {
  const served = await serveMemory(t);
  const wheel = makeWheel();
  const refusals: readonly (readonly [Record<string, string | undefined>, string])[] = [
    [{ ':action': 'submit' }, '410 UPLOAD_ACTION_GONE'],
    [{ ':action': 'dance' }, '400 UPLOAD_ACTION_UNKNOWN'],
    [{ ':action': undefined }, '400 UPLOAD_FIELD_MISSING'],
    [{ protocol_version: '2' }, '400 UPLOAD_PROTOCOL_UNKNOWN'],
    [{ name: undefined }, '400 UPLOAD_FIELD_MISSING'],
    [{ name: 'other' }, '400 UPLOAD_FILENAME_MISMATCH'],
    [{ version: '1.1' }, '400 UPLOAD_FILENAME_MISMATCH'],
    [{ filetype: 'bdist_egg' }, '400 UPLOAD_FILETYPE_UNSUPPORTED'],
    [{ sha256_digest: undefined }, '400 UPLOAD_DIGEST_MISSING'],
    [{ sha256_digest: 'a'.repeat(64) }, '400 DIGEST_MISMATCH'],
    [{ blake2_256_digest: 'a'.repeat(64) }, '400 DIGEST_MISMATCH'],
    [{ md5_digest: 'a'.repeat(32) }, '400 DIGEST_MISMATCH'],
    [{ sha256_digest: 'not hex' }, '400 UPLOAD_FIELD_INVALID'],
  ];
  for (const [changes, expected] of refusals) {
    assert.equal(await code(upload(served, wheel, changes, asJson)), expected, JSON.stringify(changes));
  }
  const form = uploadForm(wheel);
  form.delete('content');
  const headers = { ...asJson, Authorization: basic(served.token) };
  assert.equal(await code(fetch(`${served.url}/legacy/`, { method: 'POST', headers, body: form })), '400 FILE_MISSING');
  assert.deepEqual(listed(served), []);
  assert.deepEqual(await served.leftovers(), []);
});

test('every digest that the form has is compared, in the spellings that clients use', async (t) => {
  const served = await serveMemory(t);
  const wheel = makeWheel();
  const md5 = createHash('md5').update(wheel.bytes);
  const digests = {
    md5_digest: md5.copy().digest('hex'),
    blake2_256_digest: new Blake2b(32).update(wheel.bytes).digestHex(),
  };
  assert.equal((await upload(served, wheel, digests)).status, 200);
  assert.equal((await upload(served, wheel, { ...digests, md5_digest: md5.digest('base64url') })).status, 200);
  assert.equal((await upload(served, wheel, { ...digests, sha256_digest: undefined })).status, 200);
});

test('a name that is not one, or tries to leave its place, is refused before a byte is stored', async (t) => {
  const served = await serveMemory(t);
  const { bytes } = makeWheel();
  const names = [
    'demo.whl',
    '../demo-1.0-py3-none-any.whl',
    'a/demo-1.0-py3-none-any.whl',
    'demo-1.0.zip',
    '',
    '.',
    'démo-1.0.tar.gz',
  ];
  for (const name of [...names, 'demo-1.0.exe', `${'d'.repeat(300)}-1.0.tar.gz`]) {
    const form = uploadForm(makeWheel());
    form.delete('content');
    form.append('content', new Blob([new Uint8Array(bytes)]), name);
    const headers = { ...asJson, Authorization: basic(served.token) };
    const response = await fetch(`${served.url}/legacy/`, { method: 'POST', headers, body: form });
    assert.equal(response.status, 400, name);
    await response.text();
  }
  assert.deepEqual(await served.leftovers(), []);
});

test('what the index cannot do now is 5xx, so that uploaders try again; what it will not do is 4xx', async (t) => {
  const served = await serveMemory(t);
  const failures: readonly (readonly [Error, string])[] = [
    [new StorageFullError(), '507 STORAGE_FULL'],
    [new PublishDelayedError(), '503 PUBLISH_DELAYED'],
    [new ProjectFullError('demo', 10), '400 PROJECT_FULL'],
    [new Error('a bug'), '500 INTERNAL'],
  ];
  for (const [error, expected] of failures) {
    served.index.beforePublish = async () => Promise.reject(error);
    assert.equal(await code(upload(served, makeWheel(), {}, asJson)), expected);
  }
  assert.deepEqual(await served.leftovers(), []);
});

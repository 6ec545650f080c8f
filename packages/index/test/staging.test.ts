import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { projectBin, ProjectRoleEditor } from '@holdfast/trust';
import { revocationJson, signMetadata } from '@holdfast/tuf';
import { Metrics, setNextSigning } from '../src/index.ts';
import { distributionOf } from '../src/publish/file-rows.ts';
import { loadProject } from '../src/transactions/project-record.ts';
import { dropAbandoned } from '../src/transactions/staged.ts';
import { verifiedFiles } from './support/bare-index.ts';
import {
  ask,
  claimed,
  claimOf,
  makeDeveloper,
  makeQuiet,
  projectNamed,
  send,
  signRelease,
  stage,
  statusOf,
  verdict,
} from './support/developer.ts';
import { rawRequest } from './support/raw-request.ts';
import { type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { type Finished, runTool, temporaryDirectory } from './support/tools.ts';
import { upload } from './support/upload.ts';
import { type Distribution, makeSdist, makeWheel } from './support/wheel.ts';

/** What a project page lists; undefined where there is none. */
async function page(url: string, name: string): Promise<string[] | undefined> {
  const headers = { accept: 'application/vnd.pypi.simple.v1+json' };
  const { status, body } = await rawRequest(`${url}/simple/${name}/`, { headers });
  if (status === 404) return undefined;
  const { files } = JSON.parse(body.toString()) as { files: { filename: string }[] };
  return files.map(({ filename }) => filename).sort();
}

async function staged(served: ServedIndexUnderTest, name: string): Promise<unknown[]> {
  const status = await statusOf(served, name, served.token);
  return (status['staged'] as { filename: string }[]).map(({ filename }) => filename);
}

/** Version 2.0 with other content. */
const another = (): Distribution => makeWheel({ version: '2.0', extra: [['other.py', '']] });

const WAITS = /demo-2\.0-py3-none-any\.whl is stored and waits for a signature: holdfast sign demo/;

async function publishWith(
  t: TestContext,
  tool: 'twine' | 'uv',
  { url, token }: ServedIndexUnderTest,
  files: readonly Distribution[],
): Promise<Finished> {
  const cwd = await temporaryDirectory(t, tool);
  await mkdir(join(cwd, 'dist'));
  for (const { filename, bytes } of files) await writeFile(join(cwd, 'dist', filename), bytes);
  const names = files.map(({ filename }) => `dist/${filename}`);
  const to = `${url}/legacy/`;
  if (tool === 'uv') {
    return await runTool('uv', ['publish', '-v', '--publish-url', to, ...names], {
      cwd,
      env: { UV_PUBLISH_TOKEN: token },
    });
  }
  const args = ['upload', '--verbose', '--non-interactive', '--disable-progress-bar', '--repository-url', to, ...names];
  return await runTool('twine', args, { cwd, env: { TWINE_USERNAME: '__token__', TWINE_PASSWORD: token } });
}

for (const tool of ['twine', 'uv'] as const) {
  test(`what real ${tool} brings for a claimed project waits, seen by its members alone, until they sign (M4, D4)`, async (t) => {
    const served = await serveIndex(t, {}, { model: 'legacy' });
    const ann = await makeDeveloper(served, 'ann');
    const demo = await claimed(served, ann, 'demo', [makeWheel()]);
    const release = [makeWheel({ version: '2.0' }), makeSdist({ version: '2.0' })];
    const first = 'demo-1.0-py3-none-any.whl';
    for (const time of ['first', 'second']) {
      const { status, output } = await publishWith(t, tool, served, release);
      assert.equal(status, 0, `${time}: ${output}`);
      if (tool === 'twine') assert.match(output.replaceAll(/\s+/g, ' '), WAITS); // uv shows nothing of an answer 200
      assert.deepEqual(await page(served.url, 'demo'), [first]);
      assert.deepEqual([...(await verifiedFiles(served, 'demo')).keys()], [first]);
      assert.deepEqual(await staged(served, 'demo'), ['demo-2.0-py3-none-any.whl', 'demo-2.0.tar.gz']);
      assert.equal((await statusOf(served, 'demo'))['staged'], undefined, 'nobody else is told');
    }
    const roles = new Map([[demo.role, await signRelease(served, demo, [ann.signer])]]);
    assert.equal((await send(served, ann, demo, { roles })).status, 200);
    const all = [first, 'demo-2.0-py3-none-any.whl', 'demo-2.0.tar.gz'];
    assert.deepEqual(await page(served.url, 'demo'), all);
    assert.deepEqual([...(await verifiedFiles(served, 'demo')).keys()].sort(), all);
    assert.deepEqual(await staged(served, 'demo'), []);
  });
}

test('a stolen token publishes, yanks and deletes nothing of a claimed project (D4)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const demo = await claimed(served, ann, 'demo', [makeWheel()]);
  const before = await verifiedFiles(served, 'demo');
  const thief = { ...(await makeDeveloper(served, 'eve')), token: served.token };
  assert.equal((await upload(served, makeWheel({ version: '6.6.6' }))).status, 200);
  const yanked = await ask(served, served.token, 'POST projects/demo/yank', { version: '1.0', yanked: true });
  assert.equal(verdict(yanked), '409 CLAIMED_PROJECT');
  assert.match(String(yanked.body['detail']), /holdfast yank demo/);
  await assert.rejects(served.index.publisher.delete(demo.name, makeWheel().filename), { code: 'CLAIMED_PROJECT' });
  const forged = await signRelease(served, demo, [thief.signer]);
  assert.equal(verdict(await send(served, thief, demo, { roles: new Map([[demo.role, forged]]) })), '422 WRONG_KEY');
  const unsigned = await signRelease(served, demo, []);
  assert.equal(verdict(await send(served, thief, demo, { roles: new Map([[demo.role, unsigned]]) })), '422 UNSIGNED');
  const again = await claimOf(served, demo, [thief.signer]);
  assert.equal(verdict(await send(served, thief, demo, again)), '409 ALREADY_CLAIMED');
  const mine = await ask(served, served.token, 'POST account/keys', {
    key: { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: thief.signer.key.public } },
    label: 'mine now',
    proof: { keyid: thief.signer.key.keyid, sig: 'ab'.repeat(64) },
  });
  assert.equal(mine.status, 422);
  assert.deepEqual(await verifiedFiles(served, 'demo'), before);
  assert.deepEqual(await page(served.url, 'demo'), [makeWheel().filename]);
});

test('with holdfast_stage a new project is reserved, and nothing of it is shown before it is claimed', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const response = await upload(served, makeWheel(), { holdfast_stage: 'true' });
  assert.equal(response.status, 200);
  assert.match(response.statusText, /is stored and shown to nobody until the project is claimed: holdfast claim demo/);
  assert.equal((await response.text()).trim(), response.statusText);
  assert.equal(await page(served.url, 'demo'), undefined);
  assert.doesNotMatch((await rawRequest(`${served.url}/simple/`)).body.toString(), /demo/);
  assert.equal((await verifiedFiles(served, 'demo')).size, 0);
  assert.equal((await statusOf(served, 'demo'))['standing'], 'none');

  const bob = await makeDeveloper(served, 'bob');
  const squatted = await upload({ url: served.url, token: bob.token }, makeWheel({ version: '2.0' }));
  assert.equal(squatted.status, 403, 'the name is reserved');
  const demo = projectNamed('demo');
  const claim = await claimOf(served, demo, [ann.signer]);
  assert.equal(verdict(await send(served, bob, demo, claim)), '403 NOT_YOUR_PROJECT');
  const { status, body } = await send(served, ann, demo, claim);
  assert.equal(status, 200);
  assert.deepEqual([body['standing'], body['files']], ['recently-claimed', [makeWheel().filename]]);
  assert.deepEqual(await page(served.url, 'demo'), [makeWheel().filename]);
  assert.equal((await verifiedFiles(served, 'demo')).size, 1);
});

test('a plain upload of the same bytes publishes what was staged for an unclaimed project; staging what is published changes nothing', async (t) => {
  const served = await serveIndex(t);
  await stage(served, { ...served, account: 'ann', signer: served.offline }, makeWheel());
  assert.equal(await page(served.url, 'demo'), undefined);
  for (const changes of [{}, { holdfast_stage: 'true' }]) {
    const response = await upload(served, makeWheel(), changes);
    assert.match(await response.text(), /it is in signed metadata/);
    assert.deepEqual(await page(served.url, 'demo'), [makeWheel().filename]);
  }
  assert.equal((await verifiedFiles(served, 'demo')).size, 1);
});

test('other bytes come under the name of a staged file only after it was discarded, by a member', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const bob = await makeDeveloper(served, 'bob');
  await claimed(served, ann, 'demo', [makeWheel()]);
  const file = makeWheel({ version: '2.0' });
  await upload(served, file);
  const refused = await upload(served, another());
  assert.equal(refused.status, 400);
  assert.match(refused.statusText, /already exists.*holdfast discard demo demo-2\.0-py3-none-any\.whl/);
  const path = `DELETE projects/demo/staged/${file.filename}` as const;
  assert.equal(verdict(await ask(served, bob.token, path)), '403 NOT_YOUR_PROJECT');
  assert.equal((await ask(served, undefined, path)).status, 401);
  assert.equal((await ask(served, ann.token, path)).status, 200);
  assert.equal(verdict(await ask(served, ann.token, path)), '404 NOT_STAGED');
  const published = `DELETE projects/demo/staged/${makeWheel().filename}` as const;
  assert.equal(verdict(await ask(served, ann.token, published)), '404 NOT_STAGED', 'what is published stays');
  const objects = [];
  for await (const key of served.index.objects.list('targets/')) objects.push(key);
  assert.equal(objects.length, 2, 'its bytes are gone, and its metadata');
  assert.equal((await upload(served, another())).status, 200);
  assert.deepEqual(await staged(served, 'demo'), [file.filename]);
  const row = await served.index.records.read.selectFrom('projects').select('bytes').executeTakeFirstOrThrow();
  const sizes = makeWheel().bytes.length + another().bytes.length;
  assert.equal(row.bytes, sizes, 'staged files take room of the project');
});

test('what a holder of a delegated key staged gives way to a member, and never the other way round', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  const demo = await claimed(served, ann, 'demo', [makeWheel()]);
  const delegating = await signRelease(served, demo, [ann.signer], (editor) => {
    editor.delegate({ label: 'wheels', filenames: ['*.whl'], keys: [bob.signer.key], threshold: 1 });
  });
  assert.equal(verdict(await send(served, ann, demo, { roles: new Map([[demo.role, delegating]]) })), '200');
  const file = makeWheel({ version: '2.0' });
  const asBob = { url: served.url, token: bob.token };
  assert.equal((await upload(asBob, file)).status, 200);
  assert.equal((await upload(served, another())).status, 200);
  const told = (await statusOf(served, 'demo', ann.token)) as { staged: { sha256: string; account: string }[] };
  assert.deepEqual(
    told.staged.map(({ sha256, account }) => [sha256, account]),
    [[hash('sha256', another().bytes), 'ann']],
  );
  const row = await served.index.records.read.selectFrom('projects').select('bytes').executeTakeFirstOrThrow();
  assert.equal(row.bytes, makeWheel().bytes.length + another().bytes.length);
  assert.equal((await upload(asBob, file)).status, 400, 'what a member brought stays');
  assert.equal((await upload(served, file)).status, 400, 'also against members');

  // A revocation stages what was published: such a name is never used for other content.
  const theirs = makeWheel({ version: '3.0' });
  assert.equal((await upload(asBob, theirs)).status, 200);
  const editor = new ProjectRoleEditor('project.demo.wheels');
  const { files } = await loadProject(served.index.records.read, demo.name);
  const found = files.get(theirs.filename);
  editor.setFile(distributionOf(found ?? assert.fail('not staged')));
  const bytes = await signMetadata(editor.build(new Date(Date.now() + 86_400_000)), [bob.signer]);
  assert.equal(verdict(await send(served, bob, demo, { roles: new Map([['project.demo.wheels', bytes]]) })), '200');
  const rotation = await signMetadata(revocationJson({ role: demo.role, version: 1 }), [ann.signer]);
  assert.equal(verdict(await send(served, ann, demo, { roles: new Map(), rotation })), '200');
  const other = makeWheel({ version: '3.0', extra: [['other.py', '']] });
  assert.equal((await upload(served, other)).status, 400);
  assert.ok((await staged(served, 'demo')).includes(theirs.filename), 'it still waits');
});

test('the bytes of a staged file are had by its whole SHA-256 alone, which nobody but members is told', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  await claimed(served, ann, 'demo', [makeWheel()]);
  const file = makeWheel({ version: '2.0' });
  await upload(served, file);
  const sha256 = hash('sha256', file.bytes);
  const at = (digest: string): string =>
    `/files/${projectBin(projectNamed('demo').name)}/demo/${digest}/${file.filename}`;
  const { status, body } = await rawRequest(`${served.url}${at(sha256)}`);
  assert.deepEqual([status, body.equals(file.bytes)], [200, true]);
  const other = `${sha256.slice(0, -1)}${sha256.endsWith('0') ? '1' : '0'}`;
  assert.equal((await rawRequest(`${served.url}${at(other)}`)).status, 404);
  await served.index.catchUp();
  const paths = ['/', '/simple/', '/simple/demo/', '/api/v1/projects/demo/status'];
  for (const path of paths) {
    const told = (await rawRequest(`${served.url}${path}`)).body.toString();
    assert.ok(!told.includes(sha256) && !told.includes(file.filename), path);
  }
  const metadata = [];
  for await (const key of served.index.objects.list('metadata/')) {
    const bytes = await served.index.objects.get(key, { maxLength: 1 << 24 });
    metadata.push(key);
    assert.ok(!Buffer.from(bytes ?? []).includes(sha256), key);
  }
  assert.ok(metadata.length > 5);
  const [told] = (await statusOf(served, 'demo', ann.token))['staged'] as { sha256: string }[];
  assert.equal(told?.sha256, sha256);
});

test('metrics and /readyz tell how much waits', async (t) => {
  const metrics = new Metrics();
  const served = await serveIndex(t, {}, { model: 'legacy', metrics });
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  await upload(served, makeWheel(), { holdfast_stage: 'true' });
  await upload(served, makeSdist(), { holdfast_stage: 'true' });
  const claim = await claimOf(served, projectNamed('demo'), [ann.signer, bob.signer], {
    threshold: 2,
    signing: [ann.signer],
  });
  assert.equal((await send(served, ann, projectNamed('demo'), claim)).status, 202);
  const { body } = await metrics.text();
  for (const line of ['files_staged 2', 'transactions_waiting 1', 'claims_waiting 0'])
    assert.match(body, new RegExp(`^holdfast_${line}$`, 'm'));
  const health = await rawRequest(`${served.url}/readyz`);
  assert.equal(health.status, 200);
  assert.match(
    health.body.toString(),
    /2 staged files, 1 transactions for signatures, 0 claims for an offline signing/,
  );
});

test('staged files count towards the size that a project may have', async (t) => {
  const limit = makeWheel().bytes.length + 100;
  const served = await serveIndex(t, { uploads: { projectBytes: limit } });
  assert.equal((await upload(served, makeWheel(), { holdfast_stage: 'true' })).status, 200);
  const refused = await upload(served, makeSdist(), { holdfast_stage: 'true' });
  assert.equal(refused.status, 400);
  assert.match(refused.statusText, /would take more than the \d+ bytes/);
});

test('a file of a quiet project waits for the next offline signing, and its uploader is told when that is', async (t) => {
  const served = await serveIndex(t, {}, { model: 'maximum' });
  await upload(served, makeWheel());
  await makeQuiet(served, projectNamed('demo'));
  const waits = await upload(served, makeWheel({ version: '2.0' }));
  assert.equal(waits.status, 200);
  assert.match(
    waits.statusText,
    /waits for the next offline signing, or for its owner's claim, which takes effect then too: holdfast claim demo$/,
  );
  await setNextSigning(served.directory, new Date('2999-12-24T00:00:00Z'));
  const dated = await upload(served, makeWheel({ version: '2.0' }));
  assert.match(dated.statusText, /waits for the next offline signing on 2999-12-24, or for/);
  assert.equal((await statusOf(served, 'demo'))['next_signing'], '2999-12-24T00:00:00.000Z');
  await setNextSigning(served.directory, new Date('2001-01-01T00:00:00Z'));
  assert.equal((await statusOf(served, 'demo'))['next_signing'], null, 'what is over is not told');
  assert.match(await readFile(join(served.directory, 'config.json'), 'utf8'), /"nextSigning": "2001-01-01"/);
  await setNextSigning(served.directory, undefined);
  assert.equal((await statusOf(served, 'demo'))['next_signing'], null);
  assert.deepEqual(await page(served.url, 'demo'), [makeWheel().filename]);
  const yanked = await ask(served, served.token, 'POST projects/demo/yank', { version: '1.0', yanked: true });
  assert.equal(verdict(yanked), '409 CLAIMED_PROJECT');
  assert.match(String(yanked.body['detail']), /next offline signing/);
});

test('what was staged for a claim that did not come is dropped after 7 days, and the name that it reserved is free', async (t) => {
  let now = Date.now();
  const clock = (): Date => new Date(now);
  const served = await serveIndex(t, { clock }, { model: 'legacy', clock });
  const ann = await makeDeveloper(served, 'ann');
  const kept = await claimed(served, ann, 'kept', [makeWheel({ name: 'kept' })]);
  await upload(served, makeWheel({ name: 'kept', version: '2.0' }));
  await upload(served, makeWheel(), { holdfast_stage: 'true' });
  await upload(served, makeWheel({ name: 'half' }));
  await upload(served, makeWheel({ name: 'half', version: '2.0' }), { holdfast_stage: 'true' });
  const { records, objects } = served.index;
  const drop = (): Promise<number> => dropAbandoned({ records, objects }, clock());
  now += 7 * 86_400_000 - 60_000;
  assert.equal(await drop(), 0);
  now += 120_000;
  assert.equal(await drop(), 2 + 1, 'two files, and a project');
  assert.equal(await drop(), 0);
  const names = await records.read.selectFrom('projects').select('name').orderBy('name').execute();
  assert.deepEqual(
    names.map(({ name }) => name),
    ['half', 'kept'],
  );
  assert.deepEqual(await staged(served, 'kept'), ['kept-2.0-py3-none-any.whl'], 'a claimed project loses nothing');
  assert.equal((await statusOf(served, 'half'))['standing'], 'unclaimed');
  const left = [];
  for await (const key of objects.list('targets/')) left.push(key);
  assert.ok(
    left.every((key) => /\.(kept-|half-1)/.test(key)),
    left.join(),
  );
  const bob = await makeDeveloper(served, 'bob');
  assert.equal((await upload({ url: served.url, token: bob.token }, makeWheel())).status, 200);
  assert.equal(kept.role, 'project.kept');
});

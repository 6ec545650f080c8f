import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { normalizeName } from '@holdfast/python-index';
import {
  type ApplyDelta,
  decodeLookup,
  type LookedUpRole,
  lookupPath,
  projectDirectory,
  ProofError,
  snapshotTreeRoot,
  verifyLookup,
} from '@holdfast/trust';
import { parseSnapshot, parseTargets, parseTimestamp } from '@holdfast/tuf';
import { startServer } from '../src/index.ts';
import { makeIndex, openBare, uploadBare } from './support/bare-index.ts';
import { rawRequest } from './support/raw-request.ts';
import { type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

type Address = Pick<ServedIndexUnderTest, 'url'>;

const applyDelta: ApplyDelta = (frame, dictionary, maxLength) =>
  zstdDecompressSync(frame, { dictionary, maxOutputLength: maxLength });

async function treeRoot({ url }: Address): Promise<string> {
  const { body } = await rawRequest(`${url}/metadata/timestamp.json`);
  return snapshotTreeRoot(parseTimestamp(body).signed) ?? assert.fail('the timestamp names no tree');
}

async function look({ url }: Address, root: string, project: string): Promise<readonly LookedUpRole[]> {
  const { status, body } = await rawRequest(`${url}/lookup/${root}/${project}`);
  assert.equal(status, 200);
  return verifyLookup(root, normalizeName(project), decodeLookup(body));
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('one request brings every role of a project, proven against the timestamp, as soon as an upload is answered (P3, P9)', async (t) => {
  const served = await serveIndex(t);
  await upload(served, makeWheel());
  const roles = await look(served, await treeRoot(served), 'demo');
  assert.deepEqual(
    roles.map(({ role }) => role),
    ['targets', 'unclaimed'],
  );
  const [, leaf = assert.fail()] = roles;
  const listed = [...parseTargets(leaf.bytes).signed.targets.keys()];
  assert.deepEqual(listed, [projectDirectory(normalizeName('demo')) + makeWheel().filename]);
  // A project that does not exist has the same roles, which do not list it: it is proven absent.
  assert.deepEqual(await look(served, await treeRoot(served), 'no-such-project'), roles);
});

test('an earlier snapshot goes on answering, with the roles of its time; one that never was is gone', async (t) => {
  const served = await serveIndex(t);
  await upload(served, makeWheel());
  const before = await treeRoot(served);
  const roles = await look(served, before, 'demo');
  await upload(served, makeWheel({ version: '2.0' }));
  assert.notEqual(await treeRoot(served), before);
  assert.deepEqual(await look(served, before, 'demo'), roles);
  const gone = await rawRequest(`${served.url}/lookup/${sha(Buffer.from('never'))}/demo`, {
    headers: { accept: 'application/json' },
  });
  assert.equal(gone.status, 410);
  assert.equal((JSON.parse(gone.body.toString()) as { code: string }).code, 'SNAPSHOT_GONE');
});

test('who reads zstd is sent roles that were coded once, whatever is published meanwhile', async (t) => {
  const bare = await makeIndex(t);
  const index = await openBare(bare.directory);
  // Enough for a few branches, so that most roles of the project have nothing to do with the other one.
  await Promise.all(Array.from({ length: 150 }, (_, at) => uploadBare(index, `project-${at}`, '1.0')));
  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 500 });
  t.after(() => server.close());
  const project = normalizeName('project-7');
  const ask = async (): Promise<{ root: string; body: Buffer; headers: IncomingHttpHeaders }> => {
    const root = await treeRoot(server);
    const address = `${server.url}/${lookupPath(root, project, { have: [], zstd: true })}`;
    const { status, body, headers } = await rawRequest(address, { headers: { 'accept-encoding': 'br, zstd' } });
    assert.equal(status, 200);
    const again = await rawRequest(address, { headers: { 'if-none-match': String(headers.etag) } });
    assert.equal(again.status, 304);
    return { root, body, headers };
  };
  const before = await ask();
  const misses = index.metadata.codedCounts.misses;
  await uploadBare(index, 'project-8', '2.0');
  const after = await ask();
  assert.notEqual(after.root, before.root);
  assert.ok(index.metadata.codedCounts.misses - misses <= 1, 'but for the unclaimed root, nothing is coded again');
  for (const { root, body, headers } of [before, after]) {
    const lookup = decodeLookup(body);
    assert.ok(lookup.files.every(({ coded }) => coded !== undefined));
    assert.equal(headers['content-encoding'], undefined);
    const whole = await rawRequest(`${server.url}/lookup/${root}/project-7`, { headers: { 'accept-encoding': 'br' } });
    assert.ok(body.length < whole.body.length, `${body.length} bytes coded, ${whole.body.length} in brotli`);
    assert.deepEqual(verifyLookup(root, project, lookup, new Map(), applyDelta), await look(server, root, 'project-7'));
  }
});

test('a role that is long when coded arrives whole, and is not sent to who asks for the fields alone', async (t) => {
  const bare = await makeIndex(t);
  const index = await openBare(bare.directory);
  await Promise.all(Array.from({ length: 260 }, (_, at) => uploadBare(index, 'large', `1.${at}`)));
  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 500 });
  t.after(() => server.close());
  const root = await treeRoot(server);
  const address = `${server.url}/${lookupPath(root, normalizeName('large'), { have: [], zstd: true })}`;
  const { body, headers } = await rawRequest(address);
  const lookup = decodeLookup(body);
  assert.ok(lookup.files.some(({ bytes }) => bytes.length > 8 << 10));
  assert.equal(headers['content-length'], String(body.length));
  const roles = verifyLookup(root, normalizeName('large'), lookup, new Map(), applyDelta);
  assert.deepEqual(roles, await look(server, root, 'large'));
  const fields = await rawRequest(address, { method: 'HEAD' });
  assert.deepEqual([fields.headers['content-length'], fields.body.length], [String(body.length), 0]);
});

test('what the asker holds is not sent again', async (t) => {
  const served = await serveIndex(t);
  await upload(served, makeWheel());
  const root = await treeRoot(served);
  const [targets = assert.fail(), leaf = assert.fail()] = await look(served, root, 'demo');
  const digits = ({ sha256 }: LookedUpRole): string => sha256.slice(0, 8);
  const { body } = await rawRequest(
    `${served.url}/lookup/${root}/demo?have=${[digits(targets), '00000000'].sort().join('.')}`,
  );
  const answer = decodeLookup(body);
  assert.deepEqual(
    answer.files.map(({ bytes }) => sha(bytes)),
    [leaf.sha256],
  );
  const held = new Map([[targets.sha256, targets.bytes]]);
  assert.equal(verifyLookup(root, normalizeName('demo'), answer, held).length, 2);
  assert.throws(() => verifyLookup(root, normalizeName('demo'), answer), ProofError);
});

test('an address that says the same in other words, or too much, does not exist', async (t) => {
  const served = await serveIndex(t);
  const root = await treeRoot(served);
  for (const path of [
    `${root}/Demo`,
    `${root}/demo/`,
    `${root.toUpperCase()}/demo`,
    `${root}/demo?have=`,
    `${root}/demo?have=0123456`,
    `${root}/demo?have=11111111.00000000`,
    `${root}/demo?have=11111111.11111111`,
    `${root}/demo?coding=gzip`,
    `${root}/demo?coding=zstd&have=00000000`,
    `${root}/demo?x=1`,
    `${root}/demo?have=${Array.from({ length: 65 }, (_, at) => 10_000_000 + at).join('.')}`,
    `${root.slice(1)}/demo`,
    '',
  ])
    assert.equal((await rawRequest(`${served.url}/lookup/${path}`)).status, 404, path);
  assert.equal((await rawRequest(`${served.url}/lookup/${root}/demo`, { method: 'POST' })).status, 405);
});

test('the tree lists what the snapshot lists, through splits and restarts, each role with its very file (P3)', async (t) => {
  const bare = await makeIndex(t);
  let index = await openBare(bare.directory);
  const roots: string[] = [];
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 150 }, (_, at) => uploadBare(index, `project-${at}`, `${round}.${at}`)));
    const timestamp = parseTimestamp((await index.metadata.newest('timestamp')) ?? assert.fail());
    const root = snapshotTreeRoot(timestamp.signed) ?? assert.fail();
    const snapshot = parseSnapshot((await index.metadata.newest('snapshot')) ?? assert.fail()).signed;
    const seen = new Map<string, number>();
    for (let at = 0; at < 150; at++) {
      const lookup = index.metadata.lookup(root, normalizeName(`project-${at}`)) ?? assert.fail();
      const files = await Promise.all(lookup.roles.map(async (role) => ({ bytes: await role.read() })));
      for (const { role, version, bytes } of verifyLookup(root, normalizeName(`project-${at}`), { ...lookup, files })) {
        seen.set(`${role}.json`, version);
        assert.deepEqual(
          Buffer.from(bytes),
          await readFile(join(bare.directory, 'objects', 'metadata', `${version}.${role}.json`)),
        );
      }
    }
    for (const [name, version] of seen) assert.equal(snapshot.meta.get(name)?.version, version, name);
    roots.push(root);
    await index.close();
    index = await openBare(bare.directory);
    assert.notEqual(
      index.metadata.lookup(root, normalizeName('project-0')),
      undefined,
      'the same tree after a restart',
    );
  }
  assert.equal(new Set(roots).size, 3);
  await index.close();
});

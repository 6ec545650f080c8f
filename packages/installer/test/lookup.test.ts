import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { decodeLookup, encodeLookup, projectBin } from '@holdfast/trust';
import { ExpiredError, MismatchError, MissingMetadataError, RollbackError } from '@holdfast/tuf';
import type { IndexClient } from '../src/client/index-client.ts';
import { MirrorsFailedError, MisbehavedError, OfflineMissingError } from '../src/errors.ts';
import { Scene } from './scene.ts';
import type { StaticMirror } from './static-mirror.ts';

const [demo, helper, other] = ['demo', 'helper', 'other'].map(normalizeName) as [ProjectName, ProjectName, ProjectName];
const bin = (project: ProjectName): string => `unclaimed.${projectBin(project)[0]}`;
const HOUR = 3_600_000;
let scene: Scene;

beforeEach(async () => {
  scene = await Scene.make({ bins: true });
});
afterEach(() => scene.close());

/** What was asked for since the last call, the root probe and the timestamp in a fixed order, hashes left out. */
function asked(mirror: StaticMirror = scene.mirror): readonly string[] {
  const paths = mirror.asked.splice(0).map((path) => path.replace(/^lookup\/[0-9a-f]{64}/, 'lookup'));
  return [
    ...paths.filter((path) => path.startsWith('metadata/')).sort(),
    ...paths.filter((path) => !path.startsWith('metadata/')),
  ];
}

const REFRESH = ['metadata/2.root.json', 'metadata/timestamp.json'];

async function versions(client: IndexClient, project: ProjectName): Promise<readonly string[]> {
  return ((await client.project(project))?.files ?? []).map(({ filename }) => filename.split('-')[1] ?? '');
}

/** Publishes the next version of a project. */
async function release(name: string, version: string): Promise<void> {
  scene.repository.addWheel(name, version);
  await scene.repository.publish();
}

test('a project never seen before costs one request beyond root and timestamp (P9)', async () => {
  const client = await scene.client();
  await client.refresh();
  assert.deepEqual(asked(), REFRESH);
  const file = (await client.project(demo))?.files[0] ?? assert.fail();
  assert.deepEqual(file.voucher.chain, ['targets', 'unclaimed', bin(demo)]);
  assert.deepEqual(asked(), ['lookup/demo?coding=zstd']);
  await Promise.all([client.project(helper), client.project(helper), client.project(demo)]);
  const [lookup = '', ...more] = asked();
  assert.deepEqual(more, []);
  // `targets` and `unclaimed` are here already.
  assert.match(lookup, /^lookup\/helper\?have=[0-9a-f]{8}\.[0-9a-f]{8}(?:&|$)/);
  assert.equal(await client.project(normalizeName('no-such-project')), undefined);
  assert.equal(asked().length, 1, 'that a project does not exist is proven too');
});

test('root and timestamp are asked for at the same time', { timeout: 10_000 }, async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  scene.mirror.intercept = (_, response, path) => {
    if (path === 'metadata/timestamp.json') resolve();
    if (path !== 'metadata/2.root.json') return false;
    void promise.then(() => response.writeHead(404).end());
    return true;
  };
  assert.deepEqual(await versions(await scene.client(), demo), ['1.0']);
});

test('nothing is looked up again while nothing was published, and afterwards only what changed is sent', async () => {
  assert.deepEqual(await versions(await scene.client(), demo), ['1.0']);
  asked();
  const again = await scene.client();
  assert.deepEqual(await versions(again, demo), ['1.0']);
  assert.deepEqual(asked(), REFRESH);
  await release('helper', '1.3');
  const sent: number[] = [];
  scene.mirror.lookup = (address) => {
    const answer = scene.repository.lookup(address) ?? assert.fail();
    sent.push(decodeLookup(answer).files.length);
    return answer;
  };
  const third = await scene.client();
  assert.deepEqual([await versions(third, demo), await versions(third, helper)], [['1.0'], ['1.2', '1.3']]);
  assert.deepEqual(sent, [0, 1]);
});

test('is asked for everything when it takes something for held that is not', async () => {
  await (await scene.client()).project(demo);
  await release('other', '1');
  scene.mirror.lookup = (address) => {
    const answer = scene.repository.lookup(address);
    return answer && address.includes('?have=') ? encodeLookup({ ...decodeLookup(answer), files: [] }) : answer;
  };
  asked();
  assert.deepEqual(await versions(await scene.client(), other), ['1']);
  const lookups = asked().slice(REFRESH.length);
  assert.equal(lookups.length, 2);
  assert.equal(lookups[1], 'lookup/other?coding=zstd');
});

/** No hashes, and a frame that says so many zeros. */
const BOMB = Buffer.concat([Buffer.alloc(4), zstdCompressSync(Buffer.alloc(2 ** 27))]);
const CODED = { coded: {}, bytes: Buffer.concat([Buffer.alloc(4), zstdCompressSync(Buffer.from('{}'))]) };

/** Wrong answers for `demo`, in place of the right one. */
function forgeries(right: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const { proof, files } = decodeLookup(right);
  const [first = assert.fail(), second = assert.fail(), ...rest] = files;
  const foreign = scene.repository.files.get(`metadata/1.${bin(helper)}.json`) ?? assert.fail();
  return new Map([
    ['empty', new Uint8Array()],
    ['garbage', Buffer.from('<html>not found</html>')],
    ['cut', right.subarray(0, -1)],
    ['continued', Buffer.concat([right, Buffer.of(0)])],
    ['another format', right.with(0, 9)],
    ['a changed proof', right.with(20, (right[20] ?? 0) ^ 1)],
    ['a changed role', right.with(right.length - 9, (right.at(-9) ?? 0) ^ 1)],
    ['an endless proof', encodeLookup({ proof: Buffer.concat([proof, Buffer.alloc(1 << 20)]), files })],
    ['no proof', encodeLookup({ proof: new Uint8Array(), files })],
    ['no roles', encodeLookup({ proof, files: [] })],
    ['a role omitted', encodeLookup({ proof, files: [second, ...rest] })],
    ['a role repeated', encodeLookup({ proof, files: [first, first, second, ...rest] })],
    ['a role swapped', encodeLookup({ proof, files: [{ bytes: foreign }, second, ...rest] })],
    ['a role too many', encodeLookup({ proof, files: [...files, { bytes: foreign }] })],
    ['a coded role of 128 MiB', encodeLookup({ proof, files: [{ coded: {}, bytes: BOMB }, second, ...rest] })],
    [
      'a coded role against one that is not there',
      encodeLookup({ proof, files: [{ ...CODED, coded: { base: '00000000' } }, second, ...rest] }),
    ],
    ['another role, coded', encodeLookup({ proof, files: [CODED, second, ...rest] })],
  ]);
}

test('a wrong answer is never accepted: another mirror is asked, and without one it is an error (P20)', async () => {
  const root = /lookup\/[0-9a-f]{64}/;
  let right = new Uint8Array();
  scene.mirror.lookup = (address) => (right = new Uint8Array(scene.repository.lookup(address) ?? assert.fail()));
  await (await scene.client()).project(demo);
  const [, old = ''] = [await release('other', '1'), scene.mirror.asked.find((path) => root.test(path))];
  const stale = scene.repository.lookup(old) ?? assert.fail();
  const foreign = (address: string) => scene.repository.lookup(address.replace('/demo', '/helper')) ?? assert.fail();
  const liar = await scene.addMirror();
  const cases = [...forgeries(right), ['of an earlier snapshot', stale], ['of another project', foreign]] as const;
  for (const [at, [name, answer]] of cases.entries()) {
    liar.lookup = typeof answer === 'function' ? answer : () => answer;
    await scene.trust([liar.url], `liar-${at}`);
    const alone = await scene.client({ name: `liar-${at}` });
    await assert.rejects(alone.project(demo), MisbehavedError, name);
    await scene.trust([liar.url, scene.mirror.url], `pair-${at}`);
    scene.notices.length = 0;
    const pair = await scene.client({ name: `pair-${at}` });
    assert.deepEqual(await versions(pair, demo), ['1.0'], name);
    const problem = scene.notices.find((notice) => notice.kind === 'mirror-problem');
    assert.equal(problem?.problem.mirror, liar.url, name);
  }
  scene.mirror.lookup = liar.lookup;
  await scene.trust([liar.url, scene.mirror.url], 'both');
  await assert.rejects((await scene.client({ name: 'both' })).project(demo), MirrorsFailedError);
});

test('an answer longer than any may be is not read (P20 endless data)', async () => {
  scene.mirror.intercept = (_, response, path) => {
    if (!path.startsWith('lookup/')) return false;
    response.writeHead(200, { 'content-length': 2 ** 40 }).write('x');
    return true;
  };
  await assert.rejects((await scene.client()).project(demo), MisbehavedError);
});

test('a mirror of files is used with the whole snapshot, and not asked for lookups at every refresh', async () => {
  scene.mirror.lookup = undefined;
  const client = await scene.client({ refreshAfterMs: 0 });
  assert.deepEqual(await versions(client, demo), ['1.0']);
  assert.equal(scene.mirror.count(/^lookup/), 1);
  const files = ['1.snapshot', '1.targets', '1.unclaimed', `1.${bin(demo)}`].map((name) => `metadata/${name}.json`);
  assert.deepEqual(new Set(asked().filter((path) => !path.startsWith('lookup'))), new Set([...REFRESH, ...files]));
  await client.project(helper);
  assert.deepEqual(asked(), [`metadata/1.${bin(helper)}.json`, ...REFRESH]);
});

test('of two mirrors the one with lookups answers them', async () => {
  const plain = await scene.addMirror();
  await scene.trust([plain.url, scene.mirror.url], 'two');
  const client = await scene.client({ name: 'two' });
  for (const project of [demo, helper]) assert.equal((await versions(client, project)).length, 1);
  assert.equal(plain.count(/^lookup/), 1);
  assert.equal(plain.count(/snapshot/), 0);
  assert.equal(scene.mirror.count(/^lookup/), 2);
});

test('when the snapshot is gone the timestamp is fetched again, and without a newer one the whole snapshot is used', async () => {
  const client = await scene.client({ refreshAfterMs: HOUR });
  await client.refresh();
  await release('demo', '2.0');
  let turn = 0;
  scene.mirror.lookup = (address) => (turn++ === 0 ? undefined : scene.repository.lookup(address));
  assert.deepEqual(await versions(client, demo), ['1.0', '2.0']);
  assert.equal(turn, 2);
  scene.mirror.lookup = () => undefined;
  assert.deepEqual(await versions(client, helper), ['1.2']);
  assert.equal(scene.mirror.count(/snapshot/), 1);
});

test('a role that goes back between two visits is refused, and a role with another version than listed (P20)', async () => {
  const client = await scene.client({ refreshAfterMs: 0 });
  await release('demo', '2.0');
  await client.project(demo);
  scene.repository.list(bin(demo), { version: 1 });
  await scene.repository.publish();
  await assert.rejects(client.project(demo), RollbackError);
  await assert.rejects((await scene.client()).project(demo), RollbackError, 'nor by the next process');
  scene.repository.list(bin(demo), { version: 3 });
  await scene.repository.publish();
  await assert.rejects(client.project(demo), MismatchError);
});

test('moving from lookups to files and back takes nothing back (P20)', async () => {
  const client = async () => scene.client({ refreshAfterMs: 0 });
  const { repository, mirror } = scene;
  const lookup = mirror.lookup;
  await release('demo', '2.0');
  assert.equal((await versions(await client(), demo)).length, 2);
  mirror.lookup = undefined;
  assert.equal((await versions(await client(), demo)).length, 2);
  repository.list(bin(demo), { version: 1 });
  await repository.publish();
  await assert.rejects(
    (await client()).project(helper),
    RollbackError,
    'a whole snapshot that lists less than was proven',
  );
  repository.list(bin(demo), { version: 2 });
  await repository.publish();
  assert.equal((await versions(await client(), demo)).length, 2);
  await release('demo', '3.0');
  assert.equal((await versions(await client(), demo)).length, 3);
  mirror.lookup = lookup;
  assert.equal((await versions(await client(), demo)).length, 3);
});

test('an expired role is refused, and one that is not listed (P20)', async () => {
  scene.repository.binsMs = HOUR;
  await scene.repository.publish();
  const client = await scene.client({ refreshAfterMs: 0 });
  assert.deepEqual(await versions(client, demo), ['1.0']);
  scene.repository.unlist(bin(demo));
  await scene.repository.publish();
  await assert.rejects(client.project(demo), MissingMetadataError);
  assert.deepEqual(await versions(client, helper), ['1.2']);
  const later = await scene.client({ clock: () => new Date(Date.now() + 2 * HOUR) });
  await assert.rejects(later.project(helper), ExpiredError);
});

test('without a network a project answers from its own proof, as long as that is valid (P19)', async () => {
  const before = await scene.client({ refreshAfterMs: 0 });
  await before.project(demo);
  await release('helper', '1.3');
  await before.project(helper);
  await scene.mirror.close();
  const client = await scene.client();
  const [own, newest] = [await client.project(demo), await client.project(helper)];
  assert.deepEqual([own?.timestampVersion, newest?.timestampVersion], [1, 2]);
  assert.equal(newest?.files.length, 2);
  await assert.rejects(client.project(other), OfflineMissingError);
  const late = await scene.client({ clock: () => new Date(Date.now() + 25 * HOUR) });
  await assert.rejects(late.project(demo), ExpiredError);
});

test('proofs that expired leave the store', async () => {
  await (await scene.client()).project(demo);
  await scene.repository.publish({ validMs: 72 * HOUR });
  await (await scene.client({ clock: () => new Date(Date.now() + 48 * HOUR) })).project(helper);
  const names = await readdir(join(scene.home, 'trust', 'main', 'metadata'));
  assert.deepEqual(
    names.filter((name) => name.endsWith('.proof')),
    ['helper.proof'],
  );
});

test('projects that are asked for at the same time cost one lookup each, and nothing later; one that fails harms no other', async () => {
  const names = Array.from({ length: 30 }, (_, at) => normalizeName(`part-${at}`));
  for (const name of names) scene.repository.addWheel(name, '1');
  await scene.repository.publish();
  scene.mirror.intercept = (_, response, path) => path.includes('/broken') && Boolean(response.writeHead(500).end());
  const client = await scene.client({ refreshAfterMs: HOUR });
  await client.refresh();
  asked();
  const all = await Promise.allSettled(
    [...names, ...names, normalizeName('broken')].map((name) => client.project(name)),
  );
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 60);
  const lookups = asked().filter((path) => path.startsWith('lookup/') && !path.includes('/broken'));
  assert.equal(lookups.length, 30);
  assert.equal(new Set(lookups).size, 30);
  const found = await Promise.all(names.map((name) => versions(client, name)));
  assert.ok(found.every((each) => each.join() === '1'));
  assert.deepEqual(asked(), []);
});

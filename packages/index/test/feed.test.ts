import assert from 'node:assert/strict';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { feedPath } from '@holdfast/trust';
import { generateKey } from '@holdfast/tuf/node';
import { pino } from 'pino';
import { mergeFeed } from '../src/feed/feed-merger.ts';
import { addOnlineKey, type OpenIndex, startServer } from '../src/index.ts';
import { type BareIndex, makeIndex, newFile, openBare } from './support/bare-index.ts';
import {
  assertFollowed,
  catchUp,
  filedFeed,
  newFollower,
  publishedState,
  servedFeed,
} from './support/feed-follower.ts';
import { makeRoot, makeTargets } from './support/rotation.ts';

async function serve(t: TestContext, index: OpenIndex): Promise<string> {
  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 100 });
  t.after(() => server.close());
  return server.url;
}

const publish = (index: OpenIndex, project: string, versions: readonly string[]) =>
  Promise.all(versions.map((version) => index.publisher.publish(newFile(project, version))));

test('after uploads, splits, a yank, deletions, a renewal and a rotation of keys, a follower agrees with the served timestamp each time', async (t) => {
  let now = Date.parse('2026-03-01T00:00:00Z');
  const clock = (): Date => new Date(now);
  const made = await makeIndex(t, { clock });
  const next = await generateKey('ed25519');
  await addOnlineKey(made.directory, next, 'x');
  const index = await openBare(made.directory, { clock });
  const published = servedFeed(await serve(t, index));
  const follower = newFollower(published);
  const follow = async (): Promise<readonly string[]> => {
    const changed = await catchUp(follower, published);
    await assertFollowed(follower, index);
    return changed;
  };

  assert.deepEqual(await follow(), ['targets', 'unclaimed']);
  await publish(index, 'large', ['1']);
  assert.deepEqual(await follow(), ['unclaimed']);
  const many = Array.from({ length: 120 }, (_, i) => `2.${i}`);
  await publish(index, 'large', many);
  const split = await follow();
  assert.deepEqual(split, ['unclaimed'], 'a project alone is not split');
  await publish(index, 'small', ['1']);
  assert.equal((await follow()).length, 3, 'beside another one it is: a branch and two leaves');
  await index.publisher.setYanked(normalizeName('large'), ['large-1-py3-none-any.whl'], 'broken');
  assert.equal((await follow()).length, 1);
  await Promise.all(many.map((v) => index.publisher.delete(normalizeName('large'), `large-${v}-py3-none-any.whl`)));
  assert.ok((await follow()).length > 0);

  now += 86_400_000 * 2;
  await index.catchUp();
  assert.deepEqual(await follow(), [], 'a new timestamp of the same roles');
  await index.importOffline(await rotation(made, next));
  const resigned = await follow();
  assert.equal(resigned.length, follower.roles.size, 'every role is signed anew');

  const late = newFollower(published);
  await catchUp(late, published);
  await assertFollowed(late, index);
});

async function rotation(
  { offline }: BareIndex,
  online: Awaited<ReturnType<typeof generateKey>>,
): Promise<{ root: Uint8Array; targets: Uint8Array }> {
  const facts = { version: 2, offline, online };
  return { root: await makeRoot(facts), targets: await makeTargets(facts) };
}

test('who is behind by 1 to 150 publications asks for few chunks, across restarts of the index', async (t) => {
  const made = await makeIndex(t);
  const files = filedFeed(made.directory);
  const followers = new Map<number, ReturnType<typeof newFollower>>();
  let index = await openBare(made.directory);
  for (let version = (await publishedState(files)).version; version < 150; version++) {
    if (version % 37 === 0 || version === 149) {
      const follower = newFollower(files);
      await catchUp(follower, files);
      followers.set(version, follower);
    }
    if (version % 50 === 0) {
      await index.close();
      index = await openBare(made.directory);
    }
    await publish(index, `project-${version % 20}`, [`${version}`]);
  }
  followers.set(0, newFollower(files));
  for (const [version, follower] of followers) {
    let requests = 0;
    const counted = newFollower({
      ...files,
      source: { fetch: (path, most) => (requests++, files.source.fetch(path, most)) },
    });
    await catchUp(counted, files);
    assert.ok(requests <= 32, `${requests} requests from nothing`);
    await catchUp(follower, files);
    await assertFollowed(follower, index);
    assert.equal(follower.state.version, (await publishedState(files)).version, `from ${version}`);
  }
});

test('an index without a feed begins one with its next publication, and so does one that lost a part of it', async (t) => {
  const made = await makeIndex(t);
  const files = filedFeed(made.directory);
  const follower = newFollower(files);
  let index = await openBare(made.directory);
  for (let i = 0; i < 5; i++) await publish(index, 'before', [`${i}`]);
  await catchUp(follower, files);
  // As from before there was a feed.
  await index.records.write((db) => db.deleteFrom('feed').execute());
  await index.close();
  await rm(join(made.directory, 'objects/feed'), { recursive: true });
  index = await openBare(made.directory);
  await publish(index, 'first', ['1']);
  await catchUp(follower, files);
  await assertFollowed(follower, index);
  // The first of four, so that it is not merged yet.
  while ((await publishedState(files)).version % 4 !== 0) await publish(index, 'more', [`${Math.random()}`]);
  const { version } = await publishedState(files);
  await catchUp(follower, files);

  await rm(join(made.directory, 'objects', feedPath({ level: 0, last: version }, 0)));
  for (let at = version; at < version + 6; at++) await publish(index, 'second', [`${at}`]);
  await mergeFeed({ records: index.records, objects: index.objects, logger: pino({ level: 'silent' }) });
  await publish(index, 'third', ['1']);
  const late = newFollower(files);
  for (const each of [follower, late]) {
    await catchUp(each, files);
    await assertFollowed(each, index);
  }
  const begun = await index.records.read.selectFrom('feed').select('begins').executeTakeFirst();
  assert.ok((begun?.begins ?? 0) > version);
});

test('chunks are served as immutable objects, compressed when asked for, each at one address', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  const url = await serve(t, index);
  for (let i = 0; i < 60; i++) await publish(index, `p-${i}`, ['1']);
  // Five of these are too many for one role.
  const requiresPython = `>=3.8${', !=3.9.1'.repeat(380)}`;
  const large = Array.from({ length: 120 }, (_, i) => ({ ...newFile(`p-${i}`, '2'), requiresPython }));
  await Promise.all(large.map((file) => index.publisher.publish(file)));
  const directory = join(made.directory, 'objects/feed');
  const sizes = await Promise.all(
    (await readdir(join(directory, '0'))).map(async (name) => ({ name, ...(await stat(join(directory, '0', name))) })),
  );
  const [largest] = sizes.sort((a, b) => b.size - a.size);
  const path = `${url}/feed/0/${largest?.name}`;
  const plain = await fetch(path, { headers: { 'Accept-Encoding': 'identity' } });
  assert.equal(plain.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.ok(largest && largest.size > 2_000);
  const length = Number(plain.headers.get('content-length'));
  const packed = await fetch(path, { headers: { 'Accept-Encoding': 'zstd' } });
  assert.equal(packed.headers.get('content-encoding'), 'zstd');
  assert.ok(Number(packed.headers.get('content-length')) < length);
  for (const wrong of ['0/1', '0/01.0', '0/1.00', '0/1.-1', '8/1.0', '0/1.0/', '0/999999.0', '0/'])
    assert.equal((await fetch(`${url}/feed/${wrong}`)).status, 404, wrong);
  assert.equal((await fetch(path, { method: 'POST' })).status, 405);
  await mergeFeed({ records: index.records, objects: index.objects, logger: pino({ level: 'silent' }) });
  const names = await readdir(directory);
  assert.ok(names.includes('0') && names.includes('2'), names.join());
});

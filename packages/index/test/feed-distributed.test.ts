import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { pino } from 'pino';
import { mergeFeed } from '../src/feed/feed-merger.ts';
import { newFile } from './support/bare-index.ts';
import { startDistributed } from './support/distributed-stores.ts';
import { assertFollowed, catchUp, newFollower, servedFeed } from './support/feed-follower.ts';
import { serveIndex } from './support/served-index.ts';

const { makeStores } = await startDistributed();

test('the feed of an index in PostgreSQL and S3 leads to its timestamp, through a split, a deletion and merged chunks', async (t) => {
  const { stores, bucket } = await makeStores('feed');
  const { index, url } = await serveIndex(t, {}, { stores });
  const published = servedFeed(url);
  const [near, far] = [newFollower(published), newFollower(published)];
  await catchUp(far, published);
  for (let i = 0; i < 20; i++) {
    await index.publisher.publish(newFile(`small-${i}`, '1.0'));
    await catchUp(near, published);
  }
  await Promise.all(Array.from({ length: 120 }, (_, i) => index.publisher.publish(newFile('large', `${i}`))));
  await index.publisher.delete(normalizeName('large'), 'large-7-py3-none-any.whl');
  for (const follower of [near, far, newFollower(published)]) {
    await catchUp(follower, published);
    await assertFollowed(follower, index);
  }
  await mergeFeed({ records: index.records, objects: index.objects, logger: pino({ level: 'silent' }) });
  const levels = await readdir(join(bucket, 'feed'));
  assert.ok(levels.includes('1') && levels.includes('2'), levels.join());
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishDelayedError } from '../src/errors.ts';
import { VerifiedStore } from '../src/objects/verified-store.ts';
import { makeIndex, newFile, openBare, verifiedFiles } from './support/bare-index.ts';
import { FaultyStore } from './support/faulty-store.ts';

test('whichever write the store acknowledges and drops, nothing is acknowledged that cannot be fetched (P10)', async (t) => {
  const made = await makeIndex(t);
  const objects = await FaultyStore.open(made.directory);
  const index = await openBare(made.directory, { objects: new VerifiedStore(objects) });
  for (let n = 1; n <= 3; n++) {
    const file = newFile('dropped', `${n}.0`);
    objects.fail((put) => (put === n ? 'lie' : undefined));
    await index.publisher.publish(file); // One lie is made good: what is not there is put again.
    assert.ok(objects.puts > 3);
    assert.equal((await verifiedFiles(made, 'dropped')).get(file.filename), file.sha256);
  }
  for (let n = 1; n <= 3; n++) {
    const file = newFile('dropping', `${n}.0`);
    objects.fail((put) => (put >= n ? 'lie' : undefined));
    await assert.rejects(index.publisher.publish(file), PublishDelayedError);
    assert.equal(
      (await verifiedFiles(made, 'dropping')).has(file.filename),
      false,
      'the timestamp leads to what is there',
    );
    objects.fail(() => undefined);
    assert.equal((await index.publisher.publish(file)).outcome, 'already-published');
    assert.equal((await verifiedFiles(made, 'dropping')).get(file.filename), file.sha256);
  }
  assert.deepEqual(objects.complaints, []);
});

test('a store that shows what stood there before delays a publish, and leads nobody back (P10)', async (t) => {
  const made = await makeIndex(t);
  const objects = await FaultyStore.open(made.directory);
  const index = await openBare(made.directory, { objects: new VerifiedStore(objects) });
  await index.publisher.publish(newFile('stale', '1.0'));
  objects.stale = true;
  const file = newFile('stale', '2.0');
  await assert.rejects(index.publisher.publish(file), PublishDelayedError);
  objects.stale = false;
  assert.equal((await index.publisher.publish(file)).outcome, 'already-published');
  assert.equal((await verifiedFiles(made, 'stale')).size, 2);
  assert.deepEqual(objects.complaints, []);
});

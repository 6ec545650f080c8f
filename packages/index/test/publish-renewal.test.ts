import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { snapshotTreeRoot } from '@holdfast/trust';
import { parseSnapshot, parseTargets, parseTimestamp } from '@holdfast/tuf';
import { type BareIndex, clientOf, listed, makeIndex, newFile, openBare } from './support/bare-index.ts';
import { FaultyStore } from './support/faulty-store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-03-01T00:00:00Z');

interface Ends {
  readonly role: string;
  readonly version: number;
  readonly expires: Date;
}

/** Version and end of everything that the index signs by itself, as a client finds it. */
async function published({ directory }: BareIndex): Promise<Ends[]> {
  const read = (name: string): Promise<Buffer> => readFile(join(directory, 'objects/metadata', name));
  const timestamp = parseTimestamp(await read('timestamp.json')).signed;
  const snapshot = parseSnapshot(await read(`${timestamp.snapshotMeta.version}.snapshot.json`)).signed;
  const all: Ends[] = [
    { role: 'timestamp', version: timestamp.version, expires: timestamp.expires },
    { role: 'snapshot', version: snapshot.version, expires: snapshot.expires },
  ];
  for (const [file, { version }] of snapshot.meta) {
    if (file === 'targets.json') continue;
    const { expires } = parseTargets(await read(`${version}.${file}`)).signed;
    all.push({ role: file.slice(0, -5), version, expires });
  }
  return all;
}

const versions = (ends: readonly Ends[]): Map<string, number> =>
  new Map(ends.map(({ role, version }) => [role, version]));

test('for half a year nothing that the index signs comes near its end, and nothing is signed more often than it must be (P7)', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const made = await makeIndex(t, { clock });
  const index = await openBare(made.directory, { clock });
  await Promise.all(Array.from({ length: 90 }, (_, i) => index.publisher.publish(newFile(`aging-${i}`, '1.0'))));
  const client = clientOf(made, clock);
  const first = versions(await published(made));
  for (; now < START + 182 * DAY; now += 10 * HOUR) {
    await index.catchUp();
    for (const { role, expires } of await published(made)) {
      const left = expires.getTime() - now;
      const least = role === 'timestamp' ? DAY / 2 : role === 'snapshot' ? 3.5 * DAY : 22 * DAY;
      assert.ok(left >= least, `${role} has ${left / DAY} days left on day ${(now - START) / DAY}`);
    }
    await client.refresh();
    assert.equal((await listed(client, 'aging-3')).size, 1);
  }
  const last = versions(await published(made));
  const renewals = (role: string): number => (last.get(role) ?? 0) - (first.get(role) ?? 0);
  assert.ok(renewals('timestamp') <= 182 * 2.4, `timestamp ${renewals('timestamp')}`);
  for (const role of ['unclaimed', 'unclaimed.0', 'unclaimed.f']) {
    assert.ok(renewals(role) >= 2 && renewals(role) <= 4, `${role} ${renewals(role)}`);
  }
});

test('what was signed while the clock was far ahead is replaced when it is right again; versions never go back', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const made = await makeIndex(t, { clock });
  const index = await openBare(made.directory, { clock });
  await index.publisher.publish(newFile('clock', '1.0'));
  const before = versions(await published(made));
  for (const ahead of [5 * 365 * DAY, -300 * DAY, 0]) {
    now = START + ahead;
    await index.catchUp();
    for (const { role, version, expires } of await published(made)) {
      const lifetime = role === 'timestamp' ? DAY : role === 'snapshot' ? 7 * DAY : 90 * DAY;
      const left = expires.getTime() - now;
      assert.ok(left > 0 && left <= lifetime + 60_000, `${role}: ${left / DAY} days left`);
      assert.ok(version > (before.get(role) ?? 0), role);
    }
    const client = clientOf(made, clock);
    await client.refresh();
    await listed(client, 'clock');
  }
  const client = clientOf(made, clock);
  await client.refresh();
  assert.equal((await listed(client, 'clock')).size, 1);
});

test('an open index renews by itself, and tries again by itself what failed', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const made = await makeIndex(t, { clock });
  t.mock.timers.enable({ apis: ['setInterval'] });
  const objects = await FaultyStore.open(made.directory);
  await openBare(made.directory, { clock, objects });
  const timestampPut = (): Promise<void> =>
    new Promise((resolve) => {
      objects.onPut = (key) => key === 'metadata/timestamp.json' && resolve();
    });
  const { version } = (await published(made))[0] ?? { version: 0 };

  now += 13 * HOUR;
  const renewed = timestampPut();
  t.mock.timers.tick(60_000);
  await renewed;
  assert.equal((await published(made))[0]?.version, version + 1);

  now += 13 * HOUR;
  const failed = new Promise<void>((resolve) => {
    objects.fail(() => {
      resolve();
      return 'before';
    });
  });
  t.mock.timers.tick(60_000);
  await failed;
  objects.fail(() => undefined);
  const again = timestampPut();
  for (let waiting = true; waiting; ) {
    t.mock.timers.tick(60_000);
    waiting = await Promise.race([
      again.then(() => false),
      new Promise<true>((resolve) => setImmediate(resolve, true)),
    ]);
  }
  assert.equal((await published(made))[0]?.version, version + 2);
  assert.deepEqual(objects.complaints, []);
});

test('only what comes near its end is renewed, spread over time, and a returning client fetches nothing else (P7)', async (t) => {
  let now = START;
  const clock = (): Date => new Date(now);
  const made = await makeIndex(t, { clock });
  const index = await openBare(made.directory, { clock });
  const files = Array.from({ length: 180 }, (_, i) => newFile(`spread-${i}`, '1.0'));
  await Promise.all(files.map((file) => index.publisher.publish(file)));
  const project = normalizeName('spread-3');
  const answer = async (): Promise<Set<string>> => {
    const timestamp = parseTimestamp((await index.metadata.newest('timestamp')) ?? new Uint8Array()).signed;
    const { roles = [] } = index.metadata.lookup(snapshotTreeRoot(timestamp) ?? '', project) ?? {};
    return new Set(roles.map(({ sha256 }) => sha256));
  };
  const days = new Set<number>();
  for (let day = 40; day <= 80; day++) {
    now = START + day * DAY;
    const [before, held] = [await published(made), await answer()];
    await index.catchUp();
    const after = versions(await published(made));
    const renewed = before.filter(({ role, version }) => after.get(role) !== version);
    for (const { role, expires } of renewed) {
      if (role === 'timestamp' || role === 'snapshot') continue;
      days.add(day);
      assert.ok(expires.getTime() - now < 22.5 * DAY, `${role} had ${(expires.getTime() - now) / DAY} days left`);
    }
    const fresh = new Set<string>();
    for (const { role } of renewed) {
      if (role === 'timestamp') continue;
      const name = `${after.get(role)}.${role}.json`;
      fresh.add(hash('sha256', await readFile(join(made.directory, 'objects/metadata', name))));
    }
    for (const sha256 of await answer()) assert.ok(held.has(sha256) || fresh.has(sha256), `day ${day}`);
  }
  assert.ok(days.size >= 5, `renewed on ${days.size} days`);
  assert.ok(Math.min(...days) >= 49 && Math.max(...days) <= 68, [...days].join());
});

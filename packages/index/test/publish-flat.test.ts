import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSnapshot, parseTimestamp } from '@holdfast/tuf';
import { pino } from 'pino';
import { FLAT_WITH_EACH } from '../src/publish/flat-snapshots.ts';
import { GRACE_MS, sweepOld, sweepSurplus } from '../src/publish/sweep.ts';
import type { OpenIndex } from '../src/index.ts';
import { type BareIndex, clientOf, listed, makeIndex, newFile, openBare } from './support/bare-index.ts';
import { FaultyStore } from './support/faulty-store.ts';
import { makeRoot, makeTargets } from './support/rotation.ts';

const START = Date.parse('2026-03-01T00:00:00Z');
const DAY = 86_400_000;
const logger = pino({ level: 'silent' });

interface Large {
  readonly made: BareIndex;
  readonly index: OpenIndex;
  /** Moves the clock. */
  readonly pass: (milliseconds: number) => void;
  readonly clock: () => Date;
  /** Resolves when the flat snapshot lists everything that is published; the clock moves on meanwhile. */
  readonly settle: () => Promise<void>;
}

/** Five files with this are too many for one role. */
const LONG = `>=3.8${', !=3.9.1'.repeat(380)}`;

/** So many projects that there are more roles than get a flat snapshot each time. */
async function largeIndex(t: TestContext): Promise<Large> {
  let now = START;
  const clock = (): Date => new Date(now);
  const made = await makeIndex(t, { clock });
  const objects = await FaultyStore.open(made.directory);
  const index = await openBare(made.directory, { clock, objects });
  const files = Array.from({ length: 2_700 }, (_, i) => newFile(`large-${i}`, '1.0'));
  await Promise.all(files.map((file) => index.publisher.publish({ ...file, requiresPython: LONG })));
  const settle = async (): Promise<void> => {
    for (;;) {
      const put = new Promise<void>((resolve) => {
        objects.onPut = (key) => key === 'metadata/timestamp.json' && resolve();
      });
      now += 10_000;
      await index.catchUp();
      if (await listsEverything(index)) return;
      await put;
    }
  };
  return { made, index, clock, settle, pass: (milliseconds) => void (now += milliseconds) };
}

async function listsEverything({ records }: OpenIndex): Promise<boolean> {
  const { lists } = await records.read
    .selectFrom('publications')
    .select('lists')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const { newest } = await records.read
    .selectFrom('roles')
    .select(({ fn }) => fn.max('publication').as('newest'))
    .where('role', 'not in', ['timestamp', 'snapshot'])
    .executeTakeFirstOrThrow();
  return lists >= newest;
}

async function published({ directory }: BareIndex) {
  const read = (name: string): Promise<Buffer> => readFile(join(directory, 'objects/metadata', name));
  const timestamp = parseTimestamp(await read('timestamp.json')).signed;
  const bytes = await read(`${timestamp.snapshotMeta.version}.snapshot.json`);
  return { timestamp, bytes, snapshot: parseSnapshot(bytes).signed };
}

test('a large index publishes without a flat snapshot, and brings one at its own cadence', async (t) => {
  const { made, index, pass, settle } = await largeIndex(t);
  await settle();
  const before = await published(made);
  assert.ok(before.snapshot.meta.size > FLAT_WITH_EACH, `${before.snapshot.meta.size} roles`);
  for (let i = 0; i < 5; i++) await index.publisher.publish(newFile('two', `${i}.0`));
  const between = await published(made);
  assert.equal(between.snapshot.version, before.snapshot.version, 'it is too early for another one');
  assert.ok(between.timestamp.version >= before.timestamp.version + 5);
  assert.equal((await listed(await refreshed(made), 'two')).size, 0, 'not in the flat snapshot yet');

  await settle();
  const after = await published(made);
  assert.ok(after.snapshot.version > before.snapshot.version);
  assert.equal((await listed(await refreshed(made), 'two')).size, 5);
  pass(100_000);
  await index.catchUp();
  assert.deepEqual((await published(made)).bytes, after.bytes, 'nothing changed since');
});

test('new keys bring a flat snapshot with them, however large the index is', async (t) => {
  const { made, index, pass, settle } = await largeIndex(t);
  await settle();
  await index.publisher.publish(newFile('two', '1.0'));
  const before = await published(made);
  pass(1);
  await index.importOffline({ targets: await makeTargets({ ...made, version: 2 }) });
  const after = await published(made);
  assert.equal(after.snapshot.version, before.snapshot.version + 1);
  assert.equal(after.snapshot.meta.get('targets.json')?.version, 2);
  assert.equal((await listed(await refreshed(made), 'two')).size, 1);
  await index.importOffline({ root: await makeRoot({ ...made, version: 2 }) });
  assert.equal((await published(made)).snapshot.version, before.snapshot.version + 2);
  await refreshed(made);
});

test('clients that walk the flat snapshot find no gap, whatever is published, split, merged and swept meanwhile (P11)', async (t) => {
  const { made, index, pass, clock, settle } = await largeIndex(t);
  const parts = { ...index, clock, logger };
  const projects = ['large-0', 'large-7', 'walk-0', 'walk-1', 'walk-2'];
  let acknowledged = new Map(projects.map((name) => [name, name.startsWith('large') ? 1 : 0]));
  let since = 0;
  await settle();
  for (let round = 0; round < 3; round++) {
    const slow = await refreshed(made, clock);
    const shown = new Map(acknowledged);
    const upload = async (name: string, from: number, count: number): Promise<void> => {
      const files = Array.from({ length: count }, (_, i) => newFile(name, `${100 + round}.${from + i}`));
      await Promise.all(files.map((file) => index.publisher.publish(file)));
    };
    for (let burst = 0; burst < 4; burst++) {
      await upload(`walk-${round % 3}`, burst * 25, 25);
      await upload('large-7', burst, 1);
      await refreshed(made, clock);
      pass(GRACE_MS / 5);
      since = (await sweepSurplus(parts, since)).upTo;
      await sweepOld(parts);
    }
    acknowledged = new Map(acknowledged)
      .set(`walk-${round % 3}`, (acknowledged.get(`walk-${round % 3}`) ?? 0) + 100)
      .set('large-7', (acknowledged.get('large-7') ?? 0) + 4);
    // Whoever began before all this reads on as if nothing had happened.
    for (const [name, files] of shown) assert.equal((await listed(slow, name)).size, files, name);
    pass(GRACE_MS / 5);
    await settle();
    const quick = await refreshed(made, clock);
    for (const [name, files] of acknowledged) assert.equal((await listed(quick, name)).size, files, name);
  }
});

async function refreshed(
  made: BareIndex,
  clock: () => Date = () => new Date(START + DAY / 2),
): Promise<ReturnType<typeof clientOf>> {
  const client = clientOf(made, clock);
  await client.refresh();
  return client;
}

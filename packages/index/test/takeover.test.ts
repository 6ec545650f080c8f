import assert from 'node:assert/strict';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { normalizeName } from '@holdfast/python-index';
import { IndexInUseError, NoOtherSignerError, openIndex, StandingByError } from '../src/index.ts';
import { S3Store } from '../src/objects/s3-store.ts';
import { VerifiedStore } from '../src/objects/verified-store.ts';
import { listed, newFile, clientOf, uploadBare } from './support/bare-index.ts';
import { startDistributed } from './support/distributed-stores.ts';
import { GatedStore } from './support/gated-store.ts';
import { IndexProcess } from './support/index-process.ts';
import { PASSPHRASE, serveIndex, type ServedIndexUnderTest } from './support/served-index.ts';
import { temporaryDirectory } from './support/tools.ts';
import { upload } from './support/upload.ts';
import { VersionWatch } from './support/version-watch.ts';
import { makeWheel } from './support/wheel.ts';

const { postgres, s3, makeStores } = await startDistributed();

/** Milliseconds within which another process must sign. */
const TAKEOVER_MS = 5_000;

interface SharedIndex {
  /** The configuration and the keys, as another machine has them. */
  copy(name: string, what?: 'with keys'): Promise<string>;
  readonly objects: string;
  /** The bucket, as a directory with `objects/` in it. */
  readonly view: string;
  readonly root: Uint8Array;
  readonly token: string;
}

/** An index in PostgreSQL and S3 that nobody serves yet. */
async function makeShared(t: TestContext, name: string): Promise<SharedIndex> {
  const { stores, bucket } = await makeStores(name);
  const made = await serveIndex(t, {}, { stores });
  await made.close();
  const machines = await temporaryDirectory(t, name);
  const view = join(machines, 'view');
  await mkdir(view);
  await symlink(bucket, join(view, 'objects'));
  return {
    async copy(machine, what) {
      const directory = join(machines, machine);
      await mkdir(directory);
      await cp(join(made.directory, 'config.json'), join(directory, 'config.json'));
      if (what) await cp(join(made.directory, 'keys'), join(directory, 'keys'), { recursive: true });
      return directory;
    },
    objects: stores.objects,
    view,
    root: made.root,
    token: made.token,
  };
}

interface Acknowledged {
  readonly project: string;
  readonly version: string;
  /** When it was asked for. */
  readonly at: number;
}

/** Uploads to the processes in turn until it is stopped, and remembers what was acknowledged. */
class Load {
  readonly acknowledged: Acknowledged[] = [];
  readonly statuses = new Set<number>();
  #stopped = false;
  #answered = Promise.withResolvers<void>();
  readonly #running: Promise<unknown>;

  constructor(token: string, to: () => readonly IndexProcess[], round: number) {
    this.#running = Promise.all(Array.from({ length: 4 }, (_, caller) => this.#upload(token, to, round, caller)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async until(holds: (acknowledged: readonly Acknowledged[]) => boolean): Promise<void> {
    while (!holds(this.acknowledged)) await this.#answered.promise;
  }

  async #upload(token: string, to: () => readonly IndexProcess[], round: number, caller: number): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      const processes = to();
      const target = processes[(caller + count) % processes.length];
      if (!target) continue;
      const [project, version] = [`load-${(caller + count) % 5}`, `${round}.${caller}.${count}`];
      const asked = performance.now();
      const answer = await upload({ url: target.url, token }, makeWheel({ name: project, version })).catch(
        () => undefined,
      );
      this.statuses.add(answer?.status ?? 0);
      if (answer?.status === 200) this.acknowledged.push({ project, version, at: asked });
      await answer?.arrayBuffer();
      this.#answered.resolve();
      this.#answered = Promise.withResolvers();
    }
  }
}

async function assertAllSigned(index: SharedIndex, loads: readonly Load[]): Promise<void> {
  const client = clientOf({ directory: index.view, root: index.root });
  await client.refresh();
  const acknowledged = loads.flatMap((load) => load.acknowledged);
  for (const project of new Set(acknowledged.map((each) => each.project))) {
    const files = await listed(client, project);
    for (const { version } of acknowledged.filter((each) => each.project === project)) {
      const { filename } = makeWheel({ name: project, version });
      assert.ok(files.has(filename), `${filename} was acknowledged`);
    }
  }
}

test('when the leader is killed in the middle of publishing, a stand-by goes on within 5 s; nothing is lost or doubled', async (t) => {
  const index = await makeShared(t, 'killed');
  const directories = [await index.copy('one', 'with keys'), await index.copy('two', 'with keys')];
  const front = await IndexProcess.start(t, await index.copy('front'));
  let leader = await IndexProcess.start(t, directories[0] ?? '', PASSPHRASE);
  await leader.untilLeads();
  const watch = new VersionWatch(index.view);
  const loads: Load[] = [];
  for (let round = 0; round < 2; round++) {
    const standby = await IndexProcess.start(t, directories[1 - (round % 2)] ?? '', PASSPHRASE);
    const load = new Load(index.token, () => [standby, front], round);
    loads.push(load);
    await load.until(({ length }) => length >= 5 + round);
    assert.equal(standby.leads, false);
    const killed = performance.now();
    await leader.kill();
    await standby.untilLeads();
    await load.until((acknowledged) => acknowledged.some(({ at }) => at > killed));
    const took = performance.now() - killed;
    assert.ok(took < TAKEOVER_MS, `it took ${took} ms`);
    await load.stop();
    t.diagnostic(`${load.acknowledged.length} acknowledged; publishing went on after ${Math.round(took)} ms`);
    assert.deepEqual([...load.statuses], [200], 'those who waited were answered when the next one had signed');
    leader = standby;
  }
  await watch.stop();
  assert.deepEqual(watch.complaints, []);
  await assertAllSigned(index, loads);
});

test('a leader that is stopped for a while has its place taken within 5 s, and writes nothing when it wakes up', async (t) => {
  const index = await makeShared(t, 'paused');
  const sleeper = await IndexProcess.start(t, await index.copy('one', 'with keys'), PASSPHRASE);
  await sleeper.untilLeads();
  const standby = await IndexProcess.start(t, await index.copy('two', 'with keys'), PASSPHRASE);
  const watch = new VersionWatch(index.view);
  const loads: Load[] = [];
  for (let round = 0; round < 2; round++) {
    const [asleep, awake] = round % 2 === 0 ? [sleeper, standby] : [standby, sleeper];
    const load = new Load(index.token, () => [awake], round);
    loads.push(load);
    await load.until(({ length }) => length >= 3 + round);
    const stopped = performance.now();
    asleep.signal('SIGSTOP');
    await awake.untilLeads();
    await load.until((acknowledged) => acknowledged.some(({ at }) => at > stopped));
    const took = performance.now() - stopped;
    assert.ok(took < TAKEOVER_MS, `it took ${took} ms`);
    asleep.signal('SIGCONT');
    await asleep.untilLeads(false);
    const behind = new Load(index.token, () => [asleep], round + 10);
    loads.push(behind);
    await behind.until(({ length }) => length >= 3);
    await Promise.all([load.stop(), behind.stop()]);
    t.diagnostic(`publishing went on after ${Math.round(took)} ms`);
  }
  await watch.stop();
  assert.deepEqual(watch.complaints, []);
  await assertAllSigned(index, loads);
});

for (const [name, key] of [
  ['timestamps', 'metadata/timestamp.json'],
  ['roles', 'metadata/2.unclaimed.json'],
] as const) {
  test(`a put of ${key} that arrives after the place of its sender was taken changes nothing`, async (t) => {
    const index = await makeShared(t, name);
    const open = async (machine: string): Promise<[string, GatedStore]> => {
      const directory = await index.copy(machine, 'with keys');
      const location = { bucket: new URL(index.objects).host, endpoint: s3.url, region: undefined };
      return [directory, new GatedStore(await S3Store.open({ location, incoming: join(directory, 'incoming') }))];
    };
    const [[first, late], [second, prompt]] = [await open('one'), await open('two')];
    const old = await openIndex(first, { passphrase: PASSPHRASE, objects: new VerifiedStore(late) });
    t.after(() => old.close());
    const next = await openIndex(second, { passphrase: PASSPHRASE, objects: new VerifiedStore(prompt) });
    t.after(() => next.close());
    const watch = new VersionWatch(index.view);
    const gate = late.holdBack(key);
    const waiting = uploadBare(old, 'late', '1.0');
    await gate.reached;
    postgres.sql('update signing set holder = null, term = term + 1', name);
    const published = await uploadBare(next, 'late', '2.0'); // Only a new leader can do that.
    assert.ok(next.leads);
    assert.ok(published.timestampVersion > (await waiting).timestampVersion, 'the new one published for the old one');
    gate.open();
    await assert.rejects(
      (async () => {
        while (old.leads) await wait(10);
        await old.importOffline({});
      })(),
      StandingByError,
    );
    const third = await uploadBare(old, 'late', '3.0');
    assert.ok(third.timestampVersion > published.timestampVersion);
    await watch.stop();
    assert.deepEqual(watch.complaints, []);
    const client = clientOf({ directory: index.view, root: index.root });
    await client.refresh();
    const files = await listed(client, 'late');
    assert.deepEqual(
      [...files.keys()].toSorted(),
      ['1.0', '2.0', '3.0'].map((each) => newFile('late', each).filename),
    );
  });
}

test('front ends without keys publish through the leader, show the same, and yank and delete', async (t) => {
  const index = await makeShared(t, 'fronts');
  const leader = await openIndex(await index.copy('leader', 'with keys'), { passphrase: PASSPHRASE });
  t.after(() => leader.close());
  const [one, two] = await Promise.all(
    ['one', 'two'].map(async (name) => openIndex(await index.copy(name), { passphrase: undefined })),
  );
  assert.ok(one && two && !one.leads);
  t.after(() => Promise.all([one.close(), two.close()]));
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, i) => uploadBare(i % 2 === 0 ? one : two, `front-${i % 7}`, `${i}.0`)),
  );
  assert.ok(outcomes.every(({ outcome }) => outcome === 'published'));
  const projects = await leader.records.read.selectFrom('projects').select(['name', 'bytes']).execute();
  for (const { name, bytes } of projects) {
    const versions = Array.from({ length: 40 }, (_, i) => i).filter((i) => name === `front-${i % 7}`);
    const sizes = versions.map((i) => newFile(name, `${i}.0`).size);
    assert.equal(
      bytes,
      sizes.reduce((sum, size) => sum + size),
      'no process lost what another one added',
    );
  }
  const project = normalizeName('front-1');
  const { filename } = newFile('front-1', '1.0');
  await one.publisher.setYanked(project, [filename], 'broken');
  await two.publisher.delete(project, newFile('front-1', '8.0').filename);
  await Promise.all([one.catchUp(), two.catchUp()]);
  const roots = [leader, one, two].map(async ({ metadata }) => Buffer.from((await metadata.newest('timestamp')) ?? []));
  const [a, b, c] = await Promise.all(roots);
  assert.ok(a && a.length > 0 && b?.equals(a) && c?.equals(a));
  for (const each of [one, two]) {
    const page = await each.catalog.projectPage(project);
    assert.equal(page?.files.find((file) => file.filename === filename)?.yanked, 'broken');
    assert.equal(page?.files.length, 5);
    assert.ok(each.catalog.revision(project) > 0, 'a page in memory is made anew');
  }
  await assert.rejects(one.importOffline({}), StandingByError);
});

test('an index in its own directory cannot be served without its keys', async (t) => {
  const served: ServedIndexUnderTest = await serveIndex(t);
  await served.close();
  await assert.rejects(openIndex(served.directory, { passphrase: undefined }), NoOtherSignerError);
});

test('where only the records are shared, a second process is refused: it has not got the objects', async (t) => {
  const served = await serveIndex(t, {}, { stores: { records: postgres.database('halves') } });
  const copy = await temporaryDirectory(t, 'halves');
  await cp(join(served.directory, 'config.json'), join(copy, 'config.json'));
  await cp(join(served.directory, 'keys'), join(copy, 'keys'), { recursive: true });
  await assert.rejects(openIndex(copy, { passphrase: PASSPHRASE }), IndexInUseError);
  await assert.rejects(openIndex(copy, { passphrase: undefined }), NoOtherSignerError);
  assert.ok(served.index.leads);
});

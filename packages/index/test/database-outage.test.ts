import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { clientOf, listed } from './support/bare-index.ts';
import { startPostgres } from './support/postgres-server.ts';
import { type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

const postgres = await startPostgres();
after(() => postgres.stop());

const UPLOADERS = 6;
const PROJECT = 'outage';
/** Milliseconds from one file to the next of an uploader that was told to come again. */
const PAUSE_MS = 100;
/** What waits one after the other, each for as long as that: the change itself, and what is being signed. */
const LONGEST_MS = 30_000;

interface Answer {
  readonly filename: string;
  readonly status: number;
  readonly code: string;
  readonly retryAfter: string | null;
  readonly ms: number;
}

/** Uploaders that go on until they are stopped, each with one new file after the other, whatever they are told. */
class Load {
  readonly answers: Answer[] = [];
  readonly #served: ServedIndexUnderTest;
  readonly #running: Promise<unknown>;
  #heard = Promise.withResolvers<void>();
  #stopped = false;
  #next = 0;

  constructor(served: ServedIndexUnderTest) {
    this.#served = served;
    this.#running = Promise.all(Array.from({ length: UPLOADERS }, () => this.#uploader()));
    this.#running.catch(() => {}); // Of a test that failed.
  }

  get acknowledged(): string[] {
    return this.answers.filter(({ status }) => status === 200).map(({ filename }) => filename);
  }

  async until(holds: (answers: readonly Answer[]) => boolean): Promise<void> {
    while (!holds(this.answers)) {
      await this.#heard.promise;
      const odd = this.answers.find(({ status }) => status !== 200 && status !== 503);
      assert.equal(odd, undefined, JSON.stringify(odd));
    }
  }

  /** That many more of this status than there are now. */
  more(count: number, status: number): Promise<void> {
    const from = this.answers.length;
    return this.until((answers) => answers.slice(from).filter((answer) => answer.status === status).length >= count);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #uploader(): Promise<void> {
    while (!this.#stopped) {
      const wheel = makeWheel({ name: PROJECT, version: `${(this.#next += 1)}.0` });
      const began = performance.now();
      const answer = await upload(this.#served, wheel, {}, { Accept: 'application/json' });
      const text = await answer.text();
      const ms = performance.now() - began;
      const [, code = text] = /"error":\s*"([A-Z_]+)"/.exec(text) ?? [];
      const retryAfter = answer.headers.get('Retry-After');
      this.answers.push({ filename: wheel.filename, status: answer.status, code, retryAfter, ms });
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
      if (answer.status !== 200) await wait(PAUSE_MS);
    }
  }
}

/** What `/readyz` says, once it says this. */
async function untilReady({ url }: ServedIndexUnderTest, ready: boolean): Promise<string> {
  for (const began = performance.now(); ; ) {
    const answer = await fetch(`${url}/readyz`);
    const text = await answer.text();
    if (answer.ok === ready) return text;
    assert.ok(performance.now() - began < LONGEST_MS, text);
    await wait(PAUSE_MS); // It looks once a second by itself; nothing tells of a change.
  }
}

/** That what was acknowledged is signed, that whoever was refused was told to come again, and that nothing else was said. */
async function assertTold(served: ServedIndexUnderTest, load: Load): Promise<void> {
  for (const { status, code, retryAfter, filename } of load.answers) {
    if (status === 200) continue;
    assert.equal(status, 503, `${filename}: ${code}`);
    assert.ok(Number(retryAfter) > 0, `${filename}: Retry-After is ${retryAfter}`);
  }
  const client = clientOf(served);
  await client.refresh();
  const files = await listed(client, PROJECT);
  assert.deepEqual(
    load.acknowledged.filter((filename) => !files.has(filename)),
    [],
  );
}

async function assertReceivedAgain(served: ServedIndexUnderTest, load: Load): Promise<void> {
  const refused = load.answers.filter(({ status }) => status !== 200).map(({ filename }) => filename);
  for (const filename of refused.slice(0, 20)) {
    const [, version = ''] = /-([\d.]+)-/.exec(filename) ?? [];
    const answer = await upload(served, makeWheel({ name: PROJECT, version }));
    assert.equal(answer.status, 200, `${filename} again: ${await answer.text()}`);
  }
}

async function outage(
  t: TestContext,
  { database, settings = '' }: { database: string; settings?: string },
  away: () => Promise<void>,
  back: () => Promise<void>,
): Promise<Load> {
  const served = await serveIndex(t, {}, { stores: { records: `${postgres.database(database)}${settings}` } });
  const load = new Load(served);
  await load.more(2 * UPLOADERS, 200);
  await untilReady(served, true);
  const before = await fetch(`${served.url}/metadata/timestamp.json`);
  assert.equal(before.status, 200);
  await away();
  const unready = await untilReady(served, false);
  assert.match(unready, /"records":\s*\{\s*"ok":\s*false/);
  await load.more(UPLOADERS, 503);
  assert.equal((await fetch(`${served.url}/metadata/timestamp.json`)).status, 200, 'installers are served meanwhile');
  await back();
  await load.more(2 * UPLOADERS, 200);
  assert.match(await untilReady(served, true), /this process signs/);
  await load.stop();
  await assertTold(served, load);
  await assertReceivedAgain(served, load);
  const slowest = Math.max(...load.answers.map(({ ms }) => ms));
  const refused = load.answers.filter(({ status }) => status === 503);
  t.diagnostic(
    `${load.acknowledged.length} acknowledged, ${refused.length} told to come again, slowest answer ${Math.round(slowest)} ms`,
  );
  t.diagnostic([...new Set(refused.map(({ code }) => code))].join(', '));
  return load;
}

test('the database crashes under load and comes back: nothing acknowledged is lost, whoever is refused is told when to come again, signing goes on by itself (P10, M8)', async (t) => {
  await outage(
    t,
    { database: 'crashed' },
    () => postgres.crash(),
    () => postgres.start(),
  );
});

/** Milliseconds that PostgreSQL is given for a statement, and to connect or answer at all, instead of 30 s, 10 s and 45 s: in its location. */
const IMPATIENT = '?statement_timeout=1500&query_timeout=2000';

test('the database hangs under load and wakes up: the same, and whoever waits is told within the patience of its location', async (t) => {
  const load = await outage(
    t,
    { database: 'hung', settings: IMPATIENT },
    async () => postgres.freeze(),
    async () => postgres.thaw(),
  );
  const refused = load.answers.filter(({ status }) => status === 503);
  assert.ok(refused.some(({ ms }) => ms > 1_000));
  assert.ok(refused.every(({ ms }) => ms < LONGEST_MS));
});

test('what was taken in when the database went away is signed when it is back, though nobody asks for anything', async (t) => {
  const served = await serveIndex(t, {}, { stores: { records: postgres.database('alone') } });
  const { objects } = served.index;
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const put = objects.put.bind(objects);
  t.mock.method(objects, 'put', async (...args: Parameters<typeof put>) => {
    if (/^metadata\/\d+\.unclaimed\.json$/.test(args[0])) {
      reached.resolve();
      await gate.promise;
    }
    return put(...args);
  });
  const wheel = makeWheel({ name: PROJECT });
  const waiting = upload(served, wheel);
  await reached.promise;
  await postgres.crash();
  gate.resolve();
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.headers.get('Retry-After')], [503, '60']);
  await postgres.start();
  const state = (): string => postgres.sql(`select state from files where filename = '${wheel.filename}'`, 'alone');
  for (const began = performance.now(); state() !== 'published'; await wait(PAUSE_MS))
    assert.ok(performance.now() - began < LONGEST_MS, `nobody goes on: it is ${state()}`);
  const client = clientOf(served);
  await client.refresh();
  assert.ok((await listed(client, PROJECT)).has(wheel.filename));
});

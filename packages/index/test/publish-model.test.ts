import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectStore } from '../src/objects/object-store.ts';
import { VerifiedStore } from '../src/objects/verified-store.ts';
import { makeIndex, newFile, openBare } from './support/bare-index.ts';
import { GatedStore } from './support/gated-store.ts';
import { FaultyStore } from './support/faulty-store.ts';
import { type Bounds, type Protocol, PROTOCOL, search, type Step } from './support/publish-model.ts';

const BOUNDS: Bounds = { publications: 2, terms: 3, crashes: 1, lies: 1, requests: 2 };

test('in no interleaving of two signers, stops, deaths, late writes and lies does anyone see what must not be (P10)', (t) => {
  const { complaint, states, done } = search(PROTOCOL, BOUNDS);
  assert.equal(complaint, undefined);
  assert.ok(states > 10_000, `only ${states} states`);
  assert.ok(done > 0, 'everything is published in the end');
  t.diagnostic(`${states} states`);
});

const [record, roles, back, timestamp, published] = PROTOCOL.steps as [Step, Step, Step, Step, Step];
const broken: readonly [string, Partial<Protocol>][] = [
  ['a timestamp that replaces whatever is there', { ifTag: false }],
  ['a timestamp before what it leads to', { steps: [record, timestamp, roles, back, published] }],
  ['an acknowledgement before the timestamp', { steps: [record, roles, back, published, timestamp] }],
  [
    'bytes that are put before they are recorded',
    { steps: [roles, back, timestamp, record, published], fenced: false },
  ],
  ['transactions that check no term', { fenced: false }],
  ['a switch to what was not read back', { steps: [record, roles, timestamp, published] }],
];
for (const [what, change] of broken) {
  test(`the search finds what is wrong with ${what}`, () => {
    const { complaint } = search({ ...PROTOCOL, ...change }, BOUNDS);
    assert.notEqual(complaint, undefined);
  });
}

test('the code does the steps of the model in its order, and switches the timestamp under its condition', async (t) => {
  const made = await makeIndex(t);
  const steps: Step[] = [];
  const store = new Recorder(await FaultyStore.open(made.directory), async (step) => {
    // The records are looked at from the outside, in the middle of each step.
    const row = await index.records.read
      .selectFrom('publications')
      .selectAll()
      .orderBy('id', 'desc')
      .executeTakeFirst();
    if (row?.published_at === null && !steps.includes('record')) steps.push('record');
    if (steps.at(-1) !== step) steps.push(step);
  });
  const index = await openBare(made.directory, { objects: new VerifiedStore(store) });
  store.records = true;
  await index.publisher.publish(newFile('steps', '1.0'));
  const row = await index.records.read.selectFrom('publications').selectAll().orderBy('id', 'desc').executeTakeFirst();
  if (row?.published_at !== null) steps.push('mark published');
  assert.deepEqual(steps, PROTOCOL.steps);
  assert.ok(store.conditional);
});

/** Tells which step a call belongs to. */
class Recorder extends GatedStore {
  records = false;
  /** Every put of the timestamp had a tag, and every other one was for an absent object. */
  conditional = true;
  readonly #tell: (step: Step) => Promise<void>;
  #switched = false;

  constructor(inner: ObjectStore, tell: (step: Step) => Promise<void>) {
    super(inner);
    this.#tell = tell;
  }

  override async put(...args: Parameters<ObjectStore['put']>): Promise<'stored' | 'exists'> {
    const [key, , options] = args;
    if (this.records && key.startsWith('metadata/')) {
      const isTimestamp = key.endsWith('/timestamp.json');
      this.conditional &&= isTimestamp ? options?.ifTag !== undefined : options?.ifAbsent === true;
      this.#switched = isTimestamp;
      await this.#tell(isTimestamp ? 'switch timestamp' : 'put roles');
    }
    return super.put(...args);
  }

  override async get(...args: Parameters<ObjectStore['get']>): ReturnType<ObjectStore['get']> {
    if (this.records && args[0].startsWith('metadata/') && !this.#switched) await this.#tell('read back');
    return super.get(...args);
  }
}

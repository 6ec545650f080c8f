import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CompiledQuery } from 'kysely';
import { pino } from 'pino';
import { openIndex, startServer } from '../src/index.ts';
import { dropAbandoned } from '../src/transactions/staged.ts';
import { dropOutdated, outdated } from '../src/transactions/outdated.ts';
import { signedBy } from '../src/transactions/projects-of.ts';
import {
  ask,
  claimed,
  claimOf,
  makeDeveloper,
  projectNamed,
  send,
  signRelease,
  stage,
  statusOf,
  verdict,
} from './support/developer.ts';
import { recordsSnapshot } from './support/records-snapshot.ts';
import { PASSPHRASE, type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { makeWheel } from './support/wheel.ts';

const DAY_MS = 86_400_000;

interface Waiting {
  readonly id: number;
  readonly account: string;
  readonly recorded_at: string;
  readonly waits_until: string;
}

async function waiting(served: Pick<ServedIndexUnderTest, 'url'>, name: string, token: string): Promise<Waiting[]> {
  return (await statusOf(served, name, token))['transactions'] as Waiting[];
}

test('a transaction waits for missing signatures for 30 days from the last one, as its status says, and is then forgotten (M5)', async (t) => {
  let now = Date.now();
  const clock = (): Date => new Date(now);
  const served = await serveIndex(t, { clock }, { model: 'legacy', clock });
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  const keys = [ann.signer, bob.signer];
  const [demo, late] = [projectNamed('demo'), projectNamed('late')];
  for (const { name } of [demo, late]) await stage(served, ann, makeWheel({ name }));
  const claims = await Promise.all(
    [demo, late].map((project) => claimOf(served, project, keys, { threshold: 2, signing: [ann.signer] })),
  );
  assert.equal((await send(served, ann, demo, claims[0] ?? { roles: new Map() })).status, 202);
  const [first] = await waiting(served, 'demo', ann.token);
  assert.equal(first?.recorded_at, clock().toISOString());
  assert.equal(first.waits_until, new Date(now + 30 * DAY_MS).toISOString());
  now += DAY_MS;
  assert.equal((await send(served, ann, late, claims[1] ?? { roles: new Map() })).status, 202);

  const { records, objects } = served.index;
  const drop = () => dropOutdated(records, clock(), 30 * DAY_MS);
  now += 29 * DAY_MS - 1;
  assert.deepEqual(await drop(), []);
  now += 2;
  const abandoned = (): Promise<number> => dropAbandoned({ records, objects }, clock());
  assert.equal(await abandoned(), 0, 'its files wait with it');
  assert.deepEqual(
    (await drop()).map(({ id, project, account }) => ({ id, project, account })),
    [{ id: first.id, project: 'demo', account: 'ann' }],
  );
  assert.deepEqual(await drop(), []);
  assert.deepEqual(await waiting(served, 'demo', ann.token), []);
  assert.equal((await waiting(served, 'late', bob.token)).length, 1, 'one that is younger waits on');
  assert.equal((await records.read.selectFrom('transaction_roles').selectAll().execute()).length, 1);
  assert.equal(await abandoned(), 2, 'and go after it, with the name that was reserved');
});

test('how long transactions wait is what the operators wrote down, and the process that signs drops them and says so in its log', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = Date.now();
  const clock = (): Date => new Date(now);
  const served = await serveIndex(t, { clock }, { model: 'legacy', clock });
  const [ann, bob] = [await makeDeveloper(served, 'ann'), await makeDeveloper(served, 'bob')];
  const demo = projectNamed('demo');
  const claim = await claimOf(served, demo, [ann.signer, bob.signer], { threshold: 2, signing: [ann.signer] });
  assert.equal((await send(served, ann, demo, claim)).status, 202);
  await served.index.close();
  const config = join(served.directory, 'config.json');
  const chosen = JSON.parse(await readFile(config, 'utf8')) as object;
  await writeFile(config, JSON.stringify({ ...chosen, waitingDays: 3 }));

  const dropped = Promise.withResolvers<Record<string, unknown>>();
  const logger = pino({ base: null }, { write: (line) => read(line) });
  const read = (line: string): void => {
    const said = JSON.parse(line) as Record<string, unknown>;
    if (String(said['msg']).includes('waited too long')) dropped.resolve(said);
  };
  const index = await openIndex(served.directory, { passphrase: PASSPHRASE, clock, logger });
  t.after(() => index.close());
  const server = await startServer(index, { host: '127.0.0.1', port: 0, clock });
  t.after(() => server.close());
  const [first] = await waiting(server, 'demo', ann.token);
  assert.equal(first?.waits_until, new Date(now + 3 * DAY_MS).toISOString());
  now += 3 * DAY_MS + 1;
  t.mock.timers.tick(60_000);
  const { project, account, transaction } = await dropped.promise;
  assert.deepEqual([project, account, transaction], ['demo', 'ann', first.id]);
  assert.deepEqual(await waiting(server, 'demo', ann.token), []);
});

test('who brought a transaction that waits withdraws it, and so does a member of its project; nobody else, and none that is published', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const [ann, bob, eve] = [
    await makeDeveloper(served, 'ann'),
    await makeDeveloper(served, 'bob'),
    await makeDeveloper(served, 'eve'),
  ];
  const other = await claimed(served, ann, 'other', [makeWheel({ name: 'other' })]);
  const demo = projectNamed('demo');
  await stage(served, ann, makeWheel());
  const keys = [ann.signer, bob.signer];
  const claim = (signing: typeof keys) => claimOf(served, demo, keys, { threshold: 2, signing });
  const post = async (who: typeof ann): Promise<number> => {
    assert.equal((await send(served, who, demo, await claim([who.signer]))).status, 202);
    const [only] = await waiting(served, 'demo', ann.token);
    return only?.id ?? 0;
  };
  const withdraw = (token: string | undefined, project: string, id: number | string) =>
    ask(served, token, `DELETE projects/${project}/transactions/${id}`);
  const id = await post(ann);
  const before = await recordsSnapshot(served.index);
  assert.equal((await withdraw(undefined, 'demo', id)).status, 401);
  assert.equal(verdict(await withdraw(eve.token, 'demo', id)), '403 NOT_YOUR_PROJECT');
  assert.equal(verdict(await withdraw(bob.token, 'demo', id)), '403 NOT_YOUR_TRANSACTION');
  for (const wrong of [id + 1, 0, -1, '1e3', `${id}.0`, '99999999999999999999'])
    assert.equal(verdict(await withdraw(ann.token, 'demo', wrong)), '404 NOT_WAITING', String(wrong));
  assert.equal(verdict(await withdraw(ann.token, other.name, id)), '404 NOT_WAITING');
  const { id: published } = await served.index.records.read
    .selectFrom('transactions')
    .select('id')
    .where('state', '=', 'published')
    .executeTakeFirstOrThrow();
  assert.equal(verdict(await withdraw(ann.token, other.name, published)), '404 NOT_WAITING');
  assert.equal(await recordsSnapshot(served.index), before);

  assert.equal((await withdraw(ann.token, 'demo', id)).status, 200);
  assert.deepEqual(await waiting(served, 'demo', ann.token), []);
  assert.equal(((await statusOf(served, 'demo', ann.token))['staged'] as unknown[]).length, 1, 'its files stay');

  // Bob is no member: his key is one of the project's.
  assert.equal((await send(served, ann, demo, await claim(keys))).status, 200);
  const yank = async (): Promise<number> => {
    const release = await signRelease(served, demo, [bob.signer], (editor) => editor.yank(makeWheel().filename, true));
    assert.equal((await send(served, bob, demo, { roles: new Map([[demo.role, release]]) })).status, 202);
    const [only] = await waiting(served, 'demo', bob.token);
    return only?.id ?? 0;
  };
  for (const { token } of [bob, ann]) {
    assert.equal((await withdraw(token, 'demo', await yank())).status, 200);
    assert.deepEqual(await waiting(served, 'demo', ann.token), []);
  }
});

test('what is too old, and which projects an account signs for, is read along an index, however much there is', async (t) => {
  const { index } = await serveIndex(t, {}, { model: 'legacy' });
  const { read } = index.records;
  for (const [query, along] of [
    [outdated(read, 1), /^SEARCH transactions USING INDEX transactions_waiting \(state=\?\)$/],
    [
      signedBy(read, 'ann'),
      /^SEARCH account_keys USING INDEX .*\nSEARCH standing_keys USING COVERING INDEX \S+ \(keyid=\?\)$/,
    ],
  ] as const) {
    const { sql, parameters } = query.compile();
    const plan = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]);
    const { rows } = await read.executeQuery<{ detail: string }>(plan);
    assert.match(rows.map(({ detail }) => detail).join('\n'), along);
  }
});

import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import {
  DamagedIndexError,
  InvalidLocationError,
  RecordsError,
  SignerLostError,
  StorageFullError,
  UnsafePostgresError,
} from '../src/errors.ts';
import { PostgresRecords } from '../src/records/postgres-records.ts';
import type { Records } from '../src/records/records.ts';
import { startPostgres } from './support/postgres-server.ts';
import { recordsContract } from './support/records-contract.ts';

const server = await startPostgres();
after(() => server.stop());

const locations = new Map<string, string>();
/** Of a database whose own settings are not those that the records need. */
function locationOf(name: string): string {
  const settings = [`default_transaction_isolation = 'repeatable read'`];
  const location = locations.get(name) ?? server.database(name.replaceAll('-', '_'), settings);
  locations.set(name, location);
  return location;
}

async function open(t: TestContext, name: string): Promise<PostgresRecords> {
  const records = await PostgresRecords.open({ location: locationOf(name) });
  t.after(() => records.close());
  return records;
}

const addAccount = (records: Records, name: string): Promise<unknown> =>
  records.write((tx) => tx.insertInto('accounts').values({ name, created_at: 1 }).execute());

async function accountNames(records: Records): Promise<string[]> {
  const rows = await records.read.selectFrom('accounts').select('name').orderBy('name').execute();
  return rows.map(({ name }) => name);
}

// First, while the server has little to write before it ends.
test('records go on when the server was restarted, and so does their signer, whose term nobody took', async (t) => {
  const records = await open(t, 'restarted');
  const { lease } = records.shared;
  const term = (await lease.take(await lease.look(), 'one')) ?? 0;
  const signer = lease.records(term);
  await addAccount(signer, 'ann');
  await server.restart();
  assert.deepEqual(await accountNames(records), ['ann'], 'a question that met the broken connection is asked again');
  await addAccount(signer, 'bob').catch(() => addAccount(signer, 'bob'));
  assert.equal(await lease.renew(term).catch(() => lease.renew(term)), true);
  assert.deepEqual(await accountNames(records), ['ann', 'bob']);
});

recordsContract('PostgreSQL', (name) => PostgresRecords.open({ location: locationOf(name) }));

test('two processes that open a new database at once both find the schema', async (t) => {
  const [one, two] = await Promise.all([open(t, 'at_once'), open(t, 'at_once')]);
  await addAccount(one, 'ann');
  assert.deepEqual(await accountNames(two), ['ann']);
});

test('of many who would take a term over at once one does, and who lived on is not robbed', async (t) => {
  const { lease } = (await open(t, 'terms')).shared;
  const free = await lease.look();
  assert.deepEqual(free, { term: 0, beat: 0, holder: null });
  const terms = await Promise.all(Array.from({ length: 8 }, (_, i) => lease.take(free, `process ${i}`)));
  assert.deepEqual(
    terms.filter((term) => term !== undefined),
    [1],
  );
  const seen = await lease.look();
  assert.equal(await lease.renew(1), true);
  assert.equal(await lease.take(seen, 'hasty'), undefined, 'it was seen before the last beat');
  assert.equal(await lease.take(await lease.look(), 'next'), 2);
  assert.equal(await lease.renew(1), false);
  await lease.leave(1);
  assert.equal((await lease.look()).holder, 'next', 'who lost it cannot give it away');
  await lease.leave(2);
  assert.equal((await lease.look()).holder, null);
});

test('a signer whose term is over writes nothing any more, not even in a transaction that began before', async (t) => {
  const [first, second] = [await open(t, 'over'), await open(t, 'over')];
  const { lease } = first.shared;
  const signer = lease.records((await lease.take(await lease.look(), 'first')) ?? 0);
  await addAccount(signer, 'ann');
  const inside = signer.write(async (tx) => {
    await tx.insertInto('accounts').values({ name: 'bob', created_at: 1 }).execute();
  });
  const term = second.shared.lease.look().then((seen) => second.shared.lease.take(seen, 'second'));
  await inside; // It waited for its end.
  assert.equal(await term, 2);
  await assert.rejects(addAccount(signer, 'cid'), SignerLostError);
  await addAccount(first, 'dan');
  await addAccount(second.shared.lease.records(2), 'eve');
  assert.deepEqual(await accountNames(signer), ['ann', 'bob', 'dan', 'eve']); // It may still read.
});

test('of a process that stopped in the middle of a transaction, the server ends the session within 3 s', async (t) => {
  const [stopped, other] = [await open(t, 'idle'), await open(t, 'idle')];
  const began = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const hangs = stopped.write(async (tx) => {
    await tx.insertInto('accounts').values({ name: 'ann', created_at: 1 }).execute();
    began.resolve();
    await goOn.promise;
  });
  await began.promise;
  const since = performance.now();
  await addAccount(other, 'bob');
  assert.ok(performance.now() - since < 3_000);
  goOn.resolve();
  await assert.rejects(hangs, RecordsError);
  assert.deepEqual(await accountNames(other), ['bob']);
});

test('who writes is heard by every other process, and not by itself', async (t) => {
  const [speaker, listener] = [await open(t, 'news'), await open(t, 'news')];
  await Promise.all([speaker, listener].map(({ shared }) => shared.lease.look()));
  const heard = Promise.withResolvers<void>();
  speaker.shared.onNews(() => assert.fail('it wrote that itself'));
  listener.shared.onNews(heard.resolve);
  await addAccount(speaker, 'ann');
  await heard.promise;
});

test('a connection that breaks in the middle of a transaction fails it, and only it', async (t) => {
  const records = await open(t, 'broken');
  const broken = records.write(async (tx) => {
    await tx.insertInto('accounts').values({ name: 'ann', created_at: 1 }).execute();
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    server.sql(`select pg_terminate_backend(${rows[0]?.pid})`);
    await tx.insertInto('accounts').values({ name: 'bob', created_at: 1 }).execute();
  });
  await assert.rejects(broken, RecordsError);
  await addAccount(records, 'cid');
  assert.deepEqual(await accountNames(records), ['cid']);
});

test('a server that may lose what it called durable, or keeps no Unicode, is refused', async (t) => {
  const careless = server.database('careless', ['synchronous_commit = off']);
  await assert.rejects(PostgresRecords.open({ location: careless }), UnsafePostgresError);
  server.sql("create database ascii template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'");
  await assert.rejects(PostgresRecords.open({ location: careless.replace('careless', 'ascii') }), UnsafePostgresError);
  const unsafe = await startPostgres('fsync=off');
  t.after(() => unsafe.stop());
  await assert.rejects(PostgresRecords.open({ location: unsafe.database('unsafe') }), UnsafePostgresError);
});

test('a database that is not there, and a location that is none, are refused without a wait', async () => {
  const missing = locationOf('at_once').replace('at_once', 'missing');
  await assert.rejects(PostgresRecords.open({ location: missing }), { name: 'RecordsError', errcode: '3D000' });
  await assert.rejects(PostgresRecords.open({ location: 'postgres://holdfast@127.0.0.1:1/x' }), {
    name: 'RecordsError',
    errcode: 'ECONNREFUSED',
  });
  for (const location of [
    'x',
    'http://h/d',
    'postgres://h',
    'postgres://u:hidden@h/d',
    'postgres://h/d?password=hidden',
  ]) {
    await assert.rejects(PostgresRecords.open({ location }), (error: Error) => {
      return error instanceof InvalidLocationError && !error.message.includes('hidden');
    });
  }
});

test('a full disk and damage that the server finds are said as such', async (t) => {
  const records = await open(t, 'errors');
  const raise = (state: string): Promise<unknown> =>
    records.write((tx) => sql`do ${sql.raw(`$$ begin raise exception sqlstate '${state}'; end $$`)}`.execute(tx));
  await assert.rejects(raise('53100'), StorageFullError);
  await assert.rejects(raise('XX001'), DamagedIndexError);
  await assert.rejects(raise('XX002'), DamagedIndexError);
  await assert.rejects(raise('40001'), { name: 'RecordsError', errcode: '40001' });
});

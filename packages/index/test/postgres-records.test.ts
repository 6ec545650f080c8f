import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import {
  DamagedIndexError,
  IndexInUseError,
  InvalidLocationError,
  RecordsError,
  SignerLostError,
  StorageFullError,
  UnsafePostgresError,
} from '../src/errors.ts';
import { PostgresRecords } from '../src/records/postgres-records.ts';
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

async function open(t: TestContext, name: string, onLost?: () => void): Promise<PostgresRecords> {
  const options = { location: locationOf(name), ...(onLost && { signer: { onLost } }) };
  const records = await PostgresRecords.open(options);
  t.after(() => records.close());
  return records;
}

const addAccount = (records: PostgresRecords, name: string): Promise<unknown> =>
  records.write((tx) => tx.insertInto('accounts').values({ name, created_at: 1 }).execute());

async function accountNames(records: PostgresRecords): Promise<string[]> {
  const rows = await records.read.selectFrom('accounts').select('name').orderBy('name').execute();
  return rows.map(({ name }) => name);
}

// First, while the server has little to write before it ends.
test('records go on when the server was restarted, and its signer does not', async (t) => {
  const records = await open(t, 'restarted');
  const lost = Promise.withResolvers<void>();
  const signer = await open(t, 'restarted', () => lost.resolve());
  await addAccount(signer, 'ann');
  await server.restart();
  await lost.promise;
  await assert.rejects(addAccount(signer, 'bob'), SignerLostError);
  await addAccount(records, 'cid');
  assert.deepEqual(await accountNames(records), ['ann', 'cid']);
});

recordsContract('PostgreSQL', (name) => PostgresRecords.open({ location: locationOf(name) }));

test('two processes that open a new database at once both find the schema', async (t) => {
  const [one, two] = await Promise.all([open(t, 'at_once'), open(t, 'at_once')]);
  await addAccount(one, 'ann');
  assert.deepEqual(await accountNames(two), ['ann']);
});

test('only one process signs at a time', async (t) => {
  const first = await open(t, 'signing', () => assert.fail('it was closed, not lost'));
  await assert.rejects(
    open(t, 'signing', () => {}),
    IndexInUseError,
  );
  const other = await open(t, 'signing');
  await addAccount(other, 'by-another-process');
  await addAccount(first, 'by-the-signer');
  await first.close();
  const second = await open(t, 'signing', () => {});
  assert.deepEqual(await accountNames(second), ['by-another-process', 'by-the-signer']);
});

test('a signer whose connection is gone writes nothing any more, and another one may sign', async (t) => {
  const lost = Promise.withResolvers<void>();
  const first = await open(t, 'lost_signer', () => lost.resolve());
  await addAccount(first, 'ann');
  server.endSigner('lost_signer');
  await lost.promise;
  await assert.rejects(addAccount(first, 'bob'), SignerLostError);
  const second = await open(t, 'lost_signer', () => {});
  await assert.rejects(addAccount(first, 'cid'), SignerLostError);
  await addAccount(second, 'dan');
  assert.deepEqual(await accountNames(second), ['ann', 'dan']);
  assert.deepEqual(await accountNames(first), ['ann', 'dan']); // It may still be read.
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

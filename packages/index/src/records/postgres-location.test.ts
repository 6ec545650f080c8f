import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidLocationError } from '../errors.ts';
import { assertPostgresLocation, patienceOf } from './postgres-location.ts';

const MOST = { connect: 10_000, statement: 30_000, silence: 45_000 };

test('a location shortens what its server is given, never prolongs it, and keeps everything else', () => {
  const plain = 'postgres://holdfast@%2Frun%2Fpostgresql/index?sslmode=verify-full';
  assert.deepEqual(patienceOf(plain, MOST), { server: plain, patience: MOST });
  assert.deepEqual(patienceOf(`${plain}&query_timeout=8000&statement_timeout=5000`, MOST), {
    server: plain,
    patience: { connect: 8_000, statement: 5_000, silence: 8_000 },
  });
  assert.deepEqual(patienceOf(`${plain}&query_timeout=99999999`, MOST), { server: plain, patience: MOST });
});

test('times that are none are refused', () => {
  for (const given of ['', '0', '-1', '5s', '1e3', '123456789', '1.5'])
    for (const name of ['statement_timeout', 'query_timeout'])
      assert.throws(() => assertPostgresLocation(`postgres://a@b/c?${name}=${given}`), InvalidLocationError, given);
  assertPostgresLocation('postgres://a@b/c?statement_timeout=5000&query_timeout=8000');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configText, makeConfig, parseConfig, withNextSigning } from './config.ts';

test('what operators chose is kept when the stores of an index change', () => {
  const made = JSON.parse(withNextSigning(makeConfig({ bins: 1_000 }), new Date('2031-05-06T07:08:09Z'))) as object;
  const chosen = parseConfig(JSON.stringify({ ...made, waitingDays: 5 }));
  assert.equal(chosen.waitingDays, 5);
  const moved = { ...chosen, stores: { records: undefined, objects: 's3://bucket?region=x' } };
  assert.deepEqual(parseConfig(configText(moved)), moved);
  assert.deepEqual(parseConfig(configText(parseConfig(makeConfig({})))), parseConfig(makeConfig({})));
  for (const waitingDays of [0, 1.5, 4000])
    assert.throws(() => parseConfig(JSON.stringify({ ...made, waitingDays })), String(waitingDays));
});

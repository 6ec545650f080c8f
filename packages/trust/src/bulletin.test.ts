import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTargets, signMetadata, targetsJson, type JsonObject, toJson } from '@holdfast/tuf';
import { bulletinIn, bulletinMember } from './bulletin.ts';

async function read(extra: JsonObject) {
  const signed = targetsJson({ version: 1, expires: new Date('2030-01-01'), targets: new Map(), extra });
  return bulletinIn(parseTargets(await signMetadata(signed, [])).signed);
}

test('a bulletin comes out of targets metadata as it was put in (P18)', async () => {
  const bulletin = { id: '2030-01-01', text: 'The key was stolen.\nAll is well again: é.' };
  assert.deepEqual(await read(bulletinMember(bulletin)), bulletin);
  assert.equal(await read(new Map()), undefined);
});

test('what could not be shown on a terminal is neither written nor read', async () => {
  for (const bad of [
    { id: 'A', text: 'x' },
    { id: '', text: 'x' },
    { id: 'a', text: '' },
    { id: 'a', text: '\u001b[31mred' },
    { id: 'a', text: 'a\u202eb' },
    { id: 'a', text: 'x'.repeat(2_001) },
  ]) {
    assert.throws(() => bulletinMember(bad), RangeError, JSON.stringify(bad));
    assert.equal(await read(new Map([['bulletin', toJson(bad)]])), undefined, JSON.stringify(bad));
  }
  for (const bad of ['text', { id: 1, text: 'x' }, { id: 'a' }, []])
    assert.equal(await read(new Map([['bulletin', toJson(bad)]])), undefined, JSON.stringify(bad));
});

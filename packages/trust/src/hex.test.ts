import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from './hex.ts';

test('hex is what others make of the same bytes, however many', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'))));
  const many = Uint8Array.from({ length: 10_001 }, (_, at) => at * 31);
  assert.equal(toHex(many), Buffer.from(many).toString('hex'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import fc from 'fast-check';
import { lookupPath, readAsker } from './lookup-path.ts';

const project = normalizeName('flask');
const root = 'ab'.repeat(32);
const prefix = `lookup/${root}/flask`;

test('whatever is held and in whatever order, a question has one address, and it says what was asked', () => {
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
  fc.assert(
    fc.property(fc.array(digest, { maxLength: 70 }), fc.boolean(), (have, zstd) => {
      const path = lookupPath(root, project, { have, zstd });
      const named = [...new Set(have.map((sha256) => sha256.slice(0, 8)))].slice(0, 64).sort();
      assert.deepEqual(readAsker(path.slice(prefix.length)), { have: named, zstd });
      if (have.length <= 64) assert.equal(lookupPath(root, project, { have: have.toReversed(), zstd }), path);
    }),
  );
  assert.equal(lookupPath(root, project), prefix);
});

test('an address that is not the one spelling of a question is none', () => {
  for (const query of [
    '?',
    '?have=',
    '?have=0123456',
    '?have=0123456A',
    '?have=11111111.00000000',
    '?have=11111111.11111111',
    '?coding=',
    '?coding=zstd&',
    '?coding=zstd&coding=zstd',
    '?have=00000000&coding=gzip',
    '?coding=zstd&have=00000000',
    '?have=00000000&delta=zstd',
    `?have=${Array.from({ length: 65 }, (_, at) => 10_000_000 + at).join('.')}`,
  ])
    assert.equal(readAsker(query), undefined, query);
});

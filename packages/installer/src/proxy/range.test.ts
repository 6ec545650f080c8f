import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesEtag, parseRange } from './range.ts';

test('reads the three forms of a byte range and clips them to the file', () => {
  assert.deepEqual(parseRange('bytes=0-3', undefined, '"e"', 10), { start: 0, end: 3 });
  assert.deepEqual(parseRange('bytes=4-', undefined, '"e"', 10), { start: 4, end: 9 });
  assert.deepEqual(parseRange('bytes=-3', undefined, '"e"', 10), { start: 7, end: 9 });
  assert.deepEqual(parseRange('bytes=-30', undefined, '"e"', 10), { start: 0, end: 9 });
  assert.deepEqual(parseRange('bytes=4-99', undefined, '"e"', 10), { start: 4, end: 9 });
  assert.equal(parseRange('bytes=10-', undefined, '"e"', 10), 'unsatisfiable');
  assert.equal(parseRange('bytes=-0', undefined, '"e"', 10), 'unsatisfiable');
});

test('ignores what is not one byte range, and a range whose If-Range names other content', () => {
  for (const range of ['bytes=0-1,3-4', 'lines=0-1', 'bytes=-', 'bytes=5-4', 'bytes=a-b', ''])
    assert.equal(parseRange(range, undefined, '"e"', 10), undefined, range);
  assert.equal(parseRange('bytes=0-3', '"other"', '"e"', 10), undefined);
  assert.deepEqual(parseRange('bytes=0-3', '"e"', '"e"', 10), { start: 0, end: 3 });
});

test('a range never leaves the file, whatever is asked', () => {
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.string({ unit: fc.constantFrom(...'bytes=0123456789-,') }),
      fc.nat(),
      fc.nat(),
      (size, junk, a, b) => {
        for (const header of [junk, `bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${b}`]) {
          const range = parseRange(header, undefined, '"e"', size);
          if (typeof range !== 'object') continue;
          assert.ok(range.start >= 0 && range.start <= range.end && range.end < size);
        }
      },
    ),
  );
});

test('recognises an entity tag in a list, weak or strong', () => {
  assert.ok(matchesEtag('"a", W/"e"', '"e"'));
  assert.ok(matchesEtag('*', '"e"'));
  assert.ok(!matchesEtag('"a"', '"e"'));
  assert.ok(!matchesEtag(undefined, '"e"'));
});

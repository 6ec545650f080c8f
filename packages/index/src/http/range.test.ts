import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseRange, rangeApplies } from './range.ts';

test('a single byte range is read as RFC 9110 §14.2 says: from, from–to, the last n', () => {
  assert.deepEqual(parseRange('bytes=0-0', 10), { start: 0, end: 0 });
  assert.deepEqual(parseRange('bytes=3-', 10), { start: 3, end: 9 });
  assert.deepEqual(parseRange('bytes=3-99', 10), { start: 3, end: 9 });
  assert.deepEqual(parseRange('bytes=-4', 10), { start: 6, end: 9 });
  assert.deepEqual(parseRange('bytes=-99', 10), { start: 0, end: 9 });
});

test('a range behind the end, or the last zero bytes, cannot be satisfied', () => {
  for (const header of ['bytes=10-', 'bytes=10-20', 'bytes=-0']) assert.equal(parseRange(header, 10), 'unsatisfiable');
  assert.equal(parseRange('bytes=0-', 0), 'unsatisfiable');
});

test('several ranges, other units and nonsense get the whole', () => {
  for (const header of [undefined, '', 'bytes=', 'bytes=-', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=5-3', 'bytes=a-b']) {
    assert.equal(parseRange(header, 10), 'whole', String(header));
  }
});

test('whatever the field says, a range that is answered lies inside the representation', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat({ max: 1000 }), (text, first, last, size) => {
      for (const header of [text, `bytes=${first}-${last}`, `bytes=${first}-`, `bytes=-${last}`]) {
        const range = parseRange(header, size);
        if (typeof range === 'string') continue;
        assert.ok(range.start >= 0 && range.start <= range.end && range.end < size, JSON.stringify({ header, size }));
      }
    }),
  );
});

test('a Range counts with If-Range only when the tag is ours, strongly compared', () => {
  assert.equal(rangeApplies(undefined, '"abc"'), true);
  assert.equal(rangeApplies('"abc"', '"abc"'), true);
  for (const header of ['W/"abc"', '"abcd"', 'Sat, 21 Nov 2026 00:00:00 GMT', '']) {
    assert.equal(rangeApplies(header, '"abc"'), false, header);
  }
});

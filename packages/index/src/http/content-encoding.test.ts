import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { negotiateEncoding } from './content-encoding.ts';

test('pages and metadata are compressed as the client asks, never unasked (P16)', () => {
  const cases: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['deflate', undefined],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, zstd', 'zstd'],
    ['GZIP', 'gzip'],
    ['br;q=1, gzip;q=0.5', 'br'],
    ['gzip;q=0', undefined],
    ['gzip;q=0, *', 'br'],
    ['gzip, zstd, br', 'br'],
    ['*;q=0', undefined],
    ['identity;q=1, gzip;q=0.5', undefined],
    ['gzip;q=1.0, identity;q=1.0', 'gzip'],
    ['gzip; q=0.1, zstd; q=0.2', 'zstd'],
  ];
  for (const [header, expected] of cases) assert.equal(negotiateEncoding(header), expected, String(header));
});

test('what is large is compressed in the way that takes the least time', () => {
  assert.equal(negotiateEncoding('gzip, br, zstd', 2 ** 20), 'br');
  assert.equal(negotiateEncoding('gzip, br, zstd', 2 ** 20 + 1), 'zstd');
  assert.equal(negotiateEncoding('br', 2 ** 26), 'br');
});

test('any Accept-Encoding field gets an answer, and a refused coding is never chosen', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      negotiateEncoding(text);
      assert.notEqual(negotiateEncoding(`gzip;q=0,${text.replaceAll(/gzip|x-gzip/gi, '')}`), 'gzip');
    }),
  );
});

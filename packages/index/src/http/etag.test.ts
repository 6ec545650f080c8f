import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesEtag, strongEtag } from './etag.ts';

test('an If-None-Match field matches its tag alone, in a list, weakened by a proxy, or as a star', () => {
  const etag = strongEtag('abc');
  for (const header of ['"abc"', '"x", "abc"', 'W/"abc"', '"x",W/"abc" ', '*', ' * ']) {
    assert.equal(matchesEtag(header, etag), true, header);
  }
});

test('an If-None-Match field with another tag, none, or a part of the tag does not match', () => {
  for (const header of [undefined, '', '"ab"', 'abc', '"abcd"', '"a", "b"']) {
    assert.equal(matchesEtag(header, strongEtag('abc')), false, String(header));
  }
});

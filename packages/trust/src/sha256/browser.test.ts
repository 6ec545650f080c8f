import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256 as bytesInBrowser, sha256Hex as inBrowser } from './browser.ts';
import { sha256 as bytesInNode, sha256Hex as inNode } from './node.ts';

test('the browser computes the same SHA-256 as Node, for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => assert.equal(inBrowser(text), inNode(text))),
  );
});

test('the browser computes the same SHA-256 as Node, for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) =>
      assert.deepEqual(Uint8Array.from(bytesInBrowser(bytes)), Uint8Array.from(bytesInNode(bytes))),
    ),
  );
});

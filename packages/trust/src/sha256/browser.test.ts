import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256 as bytesInBrowser, sha256Hex as inBrowser, sha256Into as intoInBrowser } from './browser.ts';
import { sha256 as bytesInNode, sha256Hex as inNode, sha256Into as intoInNode } from './node.ts';

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

test('a hash that is written among other bytes is the same, and leaves the others', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(8), (message, at) => {
      for (const into of [intoInBrowser, intoInNode]) {
        const target = new Uint8Array(40).fill(7);
        into(message, target, at);
        assert.deepEqual(target.subarray(at, at + 32), Uint8Array.from(bytesInNode(message)));
        assert.ok(
          target.subarray(0, at).every((byte) => byte === 7) && target.subarray(at + 32).every((byte) => byte === 7),
        );
      }
    }),
  );
});

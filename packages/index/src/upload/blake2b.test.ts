import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Blake2b } from './blake2b.ts';

test('the 512-bit form agrees with OpenSSL for every input, however it is cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat({ max: 700 }), (bytes, cut) => {
      const ours = new Blake2b(64).update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).digestHex();
      assert.equal(ours, createHash('blake2b512').update(bytes).digest('hex'));
    }),
  );
});

test('the 256-bit form gives the digests that uploaders send as blake2_256_digest', () => {
  // Computed by Python: hashlib.blake2b(data, digest_size=32).hexdigest()
  const vectors: readonly (readonly [string, string])[] = [
    ['', '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8'],
    ['abc', 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319'],
  ];
  for (const [text, digest] of vectors) assert.equal(new Blake2b(32).update(Buffer.from(text)).digestHex(), digest);
});

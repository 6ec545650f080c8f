import assert from 'node:assert/strict';
import { it } from 'node:test';
import { canonicalize, compareCodePoints, encodeJson, FormatError, toJson } from '@holdfast/tuf';
import fc from 'fast-check';
import { jsonValues } from './arbitraries.ts';
import { python } from './python.ts';

const ENCODE = `
import json, sys
from securesystemslib.formats import encode_canonical
print(json.dumps([encode_canonical(json.loads(t)).encode("utf-8").hex() for t in json.load(sys.stdin)]))
`;

it('writes the canonical form byte for byte as securesystemslib does, for thousands of generated values (§4.1)', () => {
  const values = fc.sample(jsonValues, 3000);
  const texts = values.map((value) => new TextDecoder().decode(encodeJson(value)));
  const ours = values.map((value) => Buffer.from(canonicalize(value)).toString('hex'));
  assert.deepEqual(ours, python(ENCODE, texts));
});

it('orders names by code point, so that U+1F600 comes after U+E000 (tuf-js deviation 10)', () => {
  assert.equal(
    new TextDecoder().decode(canonicalize(toJson({ '\u{1f600}': 1, '\ue000': 2, a: 3 }))),
    '{"a":3,"\ue000":2,"\u{1f600}":1}',
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      assert.equal(Math.sign(compareCodePoints(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
});

it('escapes only quotes and backslashes, and leaves control characters raw', () => {
  assert.equal(new TextDecoder().decode(canonicalize('a"\\\n\u0000é')), '"a\\"\\\\\n\u0000é"');
});

it('refuses what has no canonical form: floats, unsafe integers, lone surrogates', () => {
  for (const value of [1.5, 2 ** 53, Number.NaN, '\ud800']) assert.throws(() => canonicalize(value), FormatError);
  for (const value of [undefined, () => 1, new Date(), 1n]) assert.throws(() => toJson([value]), FormatError);
});

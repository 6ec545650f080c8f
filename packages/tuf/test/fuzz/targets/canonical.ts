import assert from 'node:assert/strict';
import {
  canonicalize,
  compareCodePoints,
  encodeJson,
  FormatError,
  type JsonValue,
  parseJson,
  toJson,
} from '@holdfast/tuf';
import { slowCanonical } from '../reference/json.ts';
import { type FuzzTarget, textOf, words } from '../target.ts';

/** Whatever can be read has one canonical form, the one of securesystemslib, and reading it again changes nothing. */
export const canonical: FuzzTarget = {
  seeds: [
    '{"b":1,"a":{"\ue000":1,"\u{1f600}":2,"z":[true,"\\u0000\\"\\\\"]}}',
    '{"\\ud83d\\ude00":1,"\\uffff":2,"":3,"10":4,"9":5,"__proto__":6}',
    `{"a":"${'x'.repeat(600)}","A":[]}`,
  ],
  dictionary: [
    ...'{}[]:,"\\09',
    ...words('"a": "é": "\ue000": "\u{1f600}": "\\ud800\\udc00": "\\uffff": \\u0000 \\\\ \\" \u007f'),
  ],
  // Canonical form is made several times here, and names are sorted.
  stepLimit: (length) => 10_000 + 400 * length * Math.log2(length + 2),
  run(input) {
    let value: JsonValue;
    try {
      value = parseJson(input);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      return 'refused';
    }
    const bytes = canonicalize(value);
    assert.equal(textOf(bytes), slowCanonical(value));
    const encoded = encodeJson(value);
    const again = parseJson(encoded);
    assert.deepEqual(canonicalize(again), bytes, 'a file of our own has another canonical form');
    assert.deepEqual(encodeJson(again), encoded);
    assert.deepEqual(canonicalize(toJson(JSON.parse(textOf(encoded)))), bytes);
    const hasControls = bytes.some((byte) => byte < 0x20);
    if (hasControls) assert.throws(() => parseJson(bytes), FormatError);
    else assert.deepEqual(encoded, bytes, 'the canonical form is not what is written');
    return `accepted ${typeof value}${hasControls ? ' with control characters' : ''}`;
  },
};

/** The order of names is the order of their bytes in UTF-8. */
export const nameOrder: FuzzTarget = {
  seeds: ['a\nb', '\ue000\n\u{1f600}', '\ud7ff\n\ue000', '\uffff\n\u{10000}', 'same\nsame', '\n'],
  dictionary: ['\n', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}', '\u0000'],
  stepLimit: (length) => 1000 + 20 * length,
  run(input) {
    const [left = '', right = ''] = textOf(input).split('\n');
    const order = Math.sign(compareCodePoints(left, right));
    assert.equal(order, Buffer.compare(Buffer.from(left), Buffer.from(right)));
    assert.equal(Math.sign(compareCodePoints(right, left)), order === 0 ? 0 : -order);
    return String(order);
  },
};

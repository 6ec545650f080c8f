import assert from 'node:assert/strict';
import { FormatError, isJsonObject, type JsonValue, parseJson } from '@holdfast/tuf';
import { parseDocument } from '../../../src/json/parse.ts';
import { readStrictly, saysTheSame, sizeOf } from '../reference/json.ts';
import { type FuzzTarget, labelOf, words } from '../target.ts';

/** The reader accepts exactly strict JSON, reads it as JSON.parse does, and finds members where they stand. */
export const json: FuzzTarget = {
  seeds: [
    '{"a":[1,-2,true,false,null],"b":{"c":"d\\n\\u00e9"},"signed" : { "é": "\u{1f600}" } }',
    '[[[[[[[[]]]]]]]]',
    '"\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t"',
    '9007199254740991',
    '{"length":1,"sha256":2,"\\u006cength":3,"a long name of more than sixteen":{"length":4}}',
    '\ufeff{}',
  ],
  dictionary: [
    ...'{}[]:,"\\-0.eE+ \n\t\r',
    ...words(
      'true false null \\u \\ud800 \\udc00 \\u0000 __proto__ "" {} [] ": {"": [[[[[[[[ ]]]]]]]] \u007f \u{1f600} é \u2028',
    ),
    ...words('1e1 9007199254740991 -9007199254740992'),
  ],
  stepLimit: (length) => 5000 + 60 * length,
  run(input) {
    const expected = readStrictly(input);
    let value: JsonValue;
    try {
      value = parseJson(input);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      assert.equal(expected, undefined, `refused strict JSON: ${error.message}`);
      return labelOf(error.problem);
    }
    assert.ok(expected !== undefined, 'accepted what is not strict JSON');
    assert.ok(saysTheSame(value, expected.value), 'read something else than JSON.parse');
    assert.ok(sizeOf(value) <= input.length + 1, 'made more than there is');
    checkSlices(input);
    return `accepted ${typeof value}`;
  },
};

function checkSlices(input: Uint8Array): void {
  const document = parseDocument(input);
  if (!isJsonObject(document.value)) return;
  for (const [name, member] of document.value) {
    const slice = document.slice(name);
    assert.ok(slice !== undefined && slice.buffer === input.buffer, 'a member without its bytes');
    assert.deepEqual(parseJson(slice), member);
  }
  assert.equal(document.slice('no such member, surely'), undefined);
}

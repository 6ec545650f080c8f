import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jsonValues } from '../../test/arbitraries.ts';
import { FormatError } from '../errors.ts';
import { canonicalize, encodeJson } from './canonical.ts';
import { parseDocument, parseJson } from './parse.ts';
import { toJson } from './to-json.ts';
import { isJsonObject, type JsonValue } from './value.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): JsonValue => parseJson(bytesOf(text));

describe('the JSON reader', () => {
  it('reads back whatever is written, in any layout', () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        assert.deepEqual(canonicalize(parseJson(encodeJson(value))), canonicalize(value));
      }),
    );
  });

  it('agrees with JSON.parse on every text that it accepts', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(0, 2), (text, indent) => {
        const parsed: unknown = JSON.parse(text);
        let ours: JsonValue;
        try {
          ours = read(JSON.stringify(parsed, undefined, indent));
        } catch (error) {
          assert.ok(error instanceof FormatError);
          return;
        }
        assert.deepEqual(canonicalize(ours), canonicalize(toJson(parsed)));
      }),
    );
  });

  it('refuses or accepts any mutilated text without any other error', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u',
      'd800',
      '1',
      '-',
      '.',
      'e',
      'true',
      ' ',
      '\n',
      'a',
      '\u{1f600}',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const text = parts.join('');
        let accepted = true;
        try {
          read(text);
        } catch (error) {
          assert.ok(error instanceof FormatError);
          accepted = false;
        }
        if (accepted) JSON.parse(text);
      }),
      { numRuns: 5000 },
    );
  });

  const refused: ReadonlyMap<string, string> = new Map([
    ['a name twice', '{"a":1,"a":1}'],
    ['a name twice, once escaped', '{"a":1,"\\u0061":1}'],
    ['a float', '1.5'],
    ['an integer written as a float', '1.0'],
    ['an exponent', '1e3'],
    ['an integer beyond 2^53-1', '9007199254740992'],
    ['a very long integer', '1'.repeat(400)],
    ['a leading zero', '01'],
    ['minus zero', '-0'],
    ['a lone minus', '-'],
    ['a lone high surrogate', '"\\ud800"'],
    ['a lone low surrogate', '"\\udc00x"'],
    ['a raw control character', '"\n"'],
    ['an unknown escape', '"\\x"'],
    ['a short escape', '"\\u12"'],
    ['an endless string', '"abc'],
    ['data after the end', '{} {}'],
    ['a trailing comma', '[1,]'],
    ['a comment', '/**/1'],
    ['NaN', 'NaN'],
    ['nothing', ''],
    ['a byte order mark', '\ufeff{}'],
    ['a no-break space', '\u00a0{}'],
  ]);
  for (const [what, text] of refused) {
    it(`refuses ${what}`, () => assert.throws(() => read(text), FormatError));
  }

  it('refuses bytes that are not UTF-8: cut short, overlong, surrogates', () => {
    for (const bytes of [[0x22, 0xc3, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0xff]]) {
      assert.throws(() => parseJson(Uint8Array.from(bytes)), FormatError);
    }
  });

  it('refuses nesting beyond the limit instead of overflowing the stack', () => {
    assert.throws(() => read('['.repeat(1_000_000)), FormatError);
    assert.throws(() => parseJson(bytesOf('[[[]]]'), { maxDepth: 2 }), FormatError);
    assert.deepEqual(parseJson(bytesOf('[[]]'), { maxDepth: 2 }), [[]]);
  });

  it('keeps names that JavaScript treats specially, in the order of the file', () => {
    const value = read('{"b":1,"10":2,"__proto__":3,"9":4,"constructor":5}');
    assert.ok(isJsonObject(value));
    assert.deepEqual([...value.keys()], ['b', '10', '__proto__', '9', 'constructor']);
    assert.equal(value.get('__proto__'), 3);
    assert.equal(value.get('toString'), undefined);
  });

  it('finds the exact bytes of a top-level member, also after characters of several bytes', () => {
    for (const before of ['', 'é', '\u{1f600}']) {
      const bytes = bytesOf(`{ "x" : "${before}" , "signed" : { "a": "ü\\u00e9" } , "y":1}`);
      assert.equal(new TextDecoder().decode(parseDocument(bytes).slice('signed')), '{ "a": "ü\\u00e9" }');
    }
  });
});

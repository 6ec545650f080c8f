import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PathPattern } from '@holdfast/tuf';
import fc from 'fast-check';
import { python } from './python.ts';

const MATCH = `
import json, sys
from tuf.api.metadata import DelegatedRole
print(json.dumps([DelegatedRole("r", [], 1, False, [p]).is_delegated_path(t) for p, t in json.load(sys.stdin)]))
`;
const alphabet = fc.constantFrom(
  'a',
  'b',
  'c',
  '*',
  '?',
  '[',
  ']',
  '!',
  '-',
  '^',
  '/',
  '.',
  '\\',
  '{',
  '}',
  '#',
  '\u{1f600}',
  '\n',
  'é',
);
const texts = fc.array(alphabet, { maxLength: 9 }).map((parts) => parts.join(''));

describe('path patterns', () => {
  it('match exactly what python-tuf matches, for thousands of generated patterns and paths (§4.5)', () => {
    // Paths made from the pattern itself make matches likely.
    const near = fc
      .tuple(texts, fc.constantFrom('', 'a', 'b'))
      .map(([p, fill]): [string, string] => [p, p.replace(/\*/g, fill).replace(/\?/g, 'a')]);
    const classes = fc
      .array(alphabet, { maxLength: 6 })
      .map((parts): [string, string] => [`[${parts.join('')}]`, parts[0] ?? 'a']);
    // Nothing but what classes are made of, as the rules for `!`, `-` and empty ranges meet only there.
    const part = fc.constantFrom('a', 'b', 'c', '!', '-', '^', ']', '[', 'é');
    const absurd = fc
      .tuple(fc.array(part, { maxLength: 7 }), part)
      .map(([parts, path]): [string, string] => [`[${parts.join('')}]`, path]);
    const cases = fc.sample(fc.oneof(fc.tuple(texts, texts), near, classes), 8000).concat(fc.sample(absurd, 4000));
    const ours = cases.map(([pattern, path]) => new PathPattern(pattern).matches(path));
    assert.ok(ours.filter(Boolean).length > 500);
    assert.deepEqual(ours, python(MATCH, cases));
  });

  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', '.hidden', true],
    ['*', 'a/b', false],
    ['a/*/c', 'a/b/c', true],
    ['**', 'a/b', false],
    ['!foo', 'bar', false],
    ['!foo', '!foo', true],
    ['#x', '#x', true],
    ['{a,b}', 'a', false],
    ['+(a|b)', 'a', false],
    ['?', '\u{1f600}', true],
    ['[!a]', 'b', true],
    ['[]]', ']', true],
    ['[', '[', true],
  ];
  for (const [pattern, path, expected] of cases) {
    it(`${JSON.stringify(pattern)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(path)} (tuf-js deviation 6)`, () => {
      assert.equal(new PathPattern(pattern).matches(path), expected);
    });
  }

  it('take time in proportion to pattern and path, whatever the pattern', () => {
    const start = performance.now();
    assert.equal(new PathPattern('*a'.repeat(500)).matches('a'.repeat(5000).concat('b')), false);
    assert.ok(performance.now() - start < 1000);
  });

  it('say rightly which directories they can reach and which they cover', () => {
    const pattern = new PathPattern('3*/*/*');
    assert.equal(pattern.mayMatchIn('3f/django/'), true);
    assert.equal(pattern.coversAllIn('3f/django/'), true);
    assert.equal(pattern.mayMatchIn('4f/django/'), false);
    assert.equal(pattern.mayMatchIn('3f/'), false);
    assert.equal(new PathPattern('*/django/*.whl').coversAllIn('3f/django/'), false);
    fc.assert(
      fc.property(texts, texts, (text, path) => {
        const some = new PathPattern(text);
        const directory = path.slice(0, path.lastIndexOf('/') + 1);
        if (some.matches(path)) assert.equal(some.mayMatchIn(directory), true);
        if (some.coversAllIn(directory)) assert.equal(some.matches(path), true);
      }),
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PathPattern } from '@holdfast/tuf';
import fc from 'fast-check';
import { comparisonBudget, isWithin } from './pattern-containment.ts';

/** Every text of at most `length` characters: `x` stands for what no pattern names. */
function textsOf(length: number): string[] {
  const texts = [''];
  for (let from = 0, left = length; left > 0; left--) {
    const to = texts.length;
    for (const text of texts.slice(from, to)) for (const letter of 'abx') texts.push(text + letter);
    from = to;
  }
  return texts;
}

const TEXTS = textsOf(7);
const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 4 }).map((tokens) => tokens.join(''));

test('a pattern is within another exactly when no text matches the one and not the other (D13, M6)', () => {
  fc.assert(
    fc.property(pattern, pattern, (inner, outer) => {
      const [a, b] = [new PathPattern(inner), new PathPattern(outer)];
      const escaped = TEXTS.find((text) => a.matches(text) && !b.matches(text));
      assert.equal(isWithin(inner, outer), escaped === undefined, `${inner} in ${outer}: ${escaped}`);
    }),
    { numRuns: 1_500 },
  );
});

test('directories have to be the same', () => {
  assert.ok(isWithin('3fa2b1/django/*.whl', '3fa2b1/django/*'));
  assert.ok(!isWithin('3fa2b1/django/*.whl', '3fa2b1/flask/*'));
  assert.ok(!isWithin('3fa2b1/django/*', '3fa2b1/django/*.whl'));
  assert.ok(!isWithin('3fa2b1/*', '3fa2b1/django/*'));
  assert.ok(!isWithin('*/django/*', '3fa2b1/django/*'));
  assert.ok(!isWithin('3fa2b1/django/a/b', '3fa2b1/django/*'));
});

test('stars and question marks are counted, not compared', () => {
  for (const [inner, outer] of [
    ['*ab', '?*b'],
    ['*?', '?*'],
    ['django-*-win_*.whl', 'django-*.whl'],
    ['a*b*c', 'a*c'],
  ] as const) {
    assert.ok(isWithin(inner, outer), `${inner} in ${outer}`);
  }
  assert.ok(!isWithin('*.whl', '*-win*.whl'));
  assert.ok(!isWithin('a*', 'a?*'));
});

test('patterns that would take too long to compare count as outside, and all of them together take no longer', () => {
  const budget = comparisonBudget();
  const inner = `*a${'?'.repeat(40)}`;
  assert.equal(isWithin(inner, `*a${'?'.repeat(40)}*`), false);
  for (let n = 0; n < 10_000; n++) assert.equal(isWithin(inner, `*a${'?'.repeat(40)}*`, budget), false);
  assert.ok(budget.states <= 0);
  assert.equal(isWithin('a', 'a?*', budget), false);
  assert.equal(isWithin('ab', 'a?', budget), false);
  assert.equal(isWithin('a?*b', 'a?*b', budget), true, 'the same pattern needs no comparison');
});

import assert from 'node:assert/strict';
import { PathPattern } from '@holdfast/tuf';
import { slowMatch } from '../reference/pattern.ts';
import { type FuzzTarget, textOf } from '../target.ts';

/** Patterns match what Python's fnmatch matches, segment by segment, and know which directories they can reach. */
export const pattern: FuzzTarget = {
  seeds: [
    '*.whl\u0000django-5.whl',
    'a/*/[0-9a-f]?\u0000a/b/c1',
    '[!a-c]\u0000d',
    '[]-a]*\u0000]x',
    '[b-a!-c]\u0000d',
    '3*/*/*\u00003f/django/x',
    '[a-c-e]\u0000-',
    '[\u{1f600}-\u{1f64f}]?\u0000\u{1f601}é',
  ],
  dictionary: [
    ...'*?[]!-^/\\.ab\u0000',
    '[!',
    '[]',
    '[!]',
    '[a-c]',
    '[c-a]',
    '[b-a!',
    '-]',
    '**',
    '*/',
    '\u{1f600}',
    '\ue000',
  ],
  maxLength: 256,
  // Pattern × path, whichever way the input is divided.
  stepLimit: (length) => 5000 + 100 * length + 2 * length ** 2,
  run(input) {
    const [text = '', path = ''] = textOf(input).split('\u0000');
    const compiled = new PathPattern(text);
    const matches = compiled.matches(path);
    assert.equal(matches, slowMatch(text, path));
    const directory = path.slice(0, path.lastIndexOf('/') + 1);
    if (matches) assert.ok(compiled.mayMatchIn(directory), 'a match in a directory out of reach');
    if (compiled.coversAllIn(directory)) {
      assert.ok(matches, 'a covered directory without a match');
      assert.ok(compiled.matches(`${directory}anything else`));
    }
    return `${matches} ${text.includes('[')} ${compiled.coversAllIn(directory)}`;
  },
};

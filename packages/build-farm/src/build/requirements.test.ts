import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkRequirements } from './requirements.ts';

test('takes names with versions, extras and markers', () => {
  const fine = [
    'setuptools',
    'setuptools >= 61.0',
    'setuptools>=61,<90,!=62.*',
    'setuptools_scm[toml]>=6.2',
    'cffi ; platform_python_implementation != "PyPy"',
    'numpy==2.*; python_version>="3.12"',
    'wheel (>=0.30)',
    'Cython~=3.0.1',
    'torch===2.1+cpu',
  ];
  assert.deepEqual(checkRequirements(fine), fine);
});

test('refuses addresses, options, files, and whatever pip might take for one', () => {
  const refused = [
    'evil @ https://evil.example/x.whl',
    'evil@https://evil.example/x.whl',
    'evil @ file:///etc/passwd',
    '--index-url=https://evil.example',
    '-r/etc/passwd',
    '-e .',
    './evil',
    '/etc/passwd',
    'evil/x',
    'git+https://evil.example/x',
    'https://evil.example/x.whl',
    'evil\n--index-url https://evil.example',
    'evil >= 1 --pre',
    'evil >= $(id)',
    '',
    ' ',
    '-',
    'x'.repeat(2000),
  ];
  for (const text of refused) assert.throws(() => checkRequirements([text]), { code: 'BUILD_REQUIREMENTS' }, text);
  const many = Array.from({ length: 201 }, (_, at) => `p${at}`);
  assert.throws(() => checkRequirements(many), { code: 'BUILD_REQUIREMENTS' });
});

test('whatever it takes begins with a letter or digit and has neither a slash, an at sign nor a line break before its marker', () => {
  const pieces = fc.constantFrom('a', '-', '/', '@', ' ', '>=', '1', '.', ';', '[', ']', '\n', ':', '"', '*', '\\');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      try {
        checkRequirements([text]);
      } catch {
        return;
      }
      assert.match(text, /^[A-Za-z0-9][^/@\n\\:]*(;[ -~]*)?$/);
    }),
    { numRuns: 5000 },
  );
});

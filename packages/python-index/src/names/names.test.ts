import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  InvalidFilenameError,
  InvalidNameError,
  InvalidVersionError,
  MAX_FILENAME_LENGTH,
  PythonIndexError,
  compareVersions,
  normalizeName,
  normalizeVersion,
  parseDistributionFilename,
} from '../index.ts';

test('normalizes names as PEP 503 says (index-protocol A2)', () => {
  for (const spelling of ['Friendly-Bard', 'FRIENDLY.bard', 'friendly__bard', 'friendly-._.-bard'])
    assert.equal(normalizeName(spelling), 'friendly-bard');
  for (const name of ['constructor', '__proto__'.slice(2, 7), 'a', '0']) assert.equal(normalizeName(name), name);
});

test('refuses what is not a project name', () => {
  for (const name of ['', '-a', 'a-', '_', '..', 'a/b', 'a b', 'naïve', '\u212a', 'a\n', 'a'.repeat(129)])
    assert.throws(() => normalizeName(name), InvalidNameError, JSON.stringify(name));
});

test('normalizing any name twice changes nothing more, and leaves only a-z, 0-9 and single dashes', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,60}[A-Za-z0-9]$/), (name) => {
      const normalized = normalizeName(name);
      assert.match(normalized, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.equal(normalizeName(normalized), normalized);
    }),
  );
});

test('normalizes every spelling that PEP 440 allows', () => {
  const cases: [string, string][] = [
    ['1.1RC1', '1.1rc1'],
    ['00.01', '0.1'],
    ['1.1-a1', '1.1a1'],
    ['1.1alpha.1', '1.1a1'],
    ['1.1preview', '1.1rc0'],
    ['1.2.post-2', '1.2.post2'],
    ['1.0-1', '1.0.post1'],
    ['1.0-r4', '1.0.post4'],
    ['1.2dev', '1.2.dev0'],
    ['v1.0', '1.0'],
    [' 1.0\n', '1.0'],
    ['1.0+Ubuntu-1_x', '1.0+ubuntu.1.x'],
    ['2!1.0', '2!1.0'],
    ['0!1.0', '1.0'],
    ['20991231235959999999', '20991231235959999999'],
  ];
  for (const [text, normal] of cases) assert.equal(normalizeVersion(text), normal, text);
});

test('refuses what is not a version', () => {
  for (const text of [
    '',
    '1.',
    '1..0',
    'latest',
    '1.0+',
    '1.0+a..b',
    '1.0-',
    '1.0 0',
    '1.0a1b1',
    '1.0+\u212a',
    '1'.repeat(129),
  ])
    assert.throws(() => normalizeVersion(text), InvalidVersionError, text);
});

test('orders versions as the list in PEP 440 does', () => {
  const ordered =
    '1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456 1.0b2.post345 ' +
    '1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0+5.1 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1 ' +
    '1.100000000000000000000 2!0.1';
  const versions = ordered.split(' ');
  for (const [i, a] of versions.entries())
    for (const [j, b] of versions.entries())
      assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} and ${b}`);
  assert.equal(compareVersions('1.0', '1'), 0);
});

const wheel = 'demo_pkg-1.0-py3-none-any.whl';

test('takes wheel names apart (PEP 427, PEP 491)', () => {
  assert.deepEqual(
    parseDistributionFilename('Demo.Pkg-1.0+Local.1-2build-py2.py3-none-manylinux1_x86_64.linux_x86_64.whl'),
    {
      kind: 'wheel',
      project: 'demo-pkg',
      version: '1.0+Local.1',
      normalizedVersion: '1.0+local.1',
      build: '2build',
      pythonTag: 'py2.py3',
      abiTag: 'none',
      platformTag: 'manylinux1_x86_64.linux_x86_64',
    },
  );
});

test('takes sdist names apart, and accepts only the normal one (PEP 625)', () => {
  assert.deepEqual(parseDistributionFilename('demo_pkg-1.0rc1.tar.gz'), {
    kind: 'sdist',
    project: 'demo-pkg',
    version: '1.0rc1',
    normalizedVersion: '1.0rc1',
  });
  for (const name of [
    'demo-pkg-1.0.tar.gz',
    'Demo_pkg-1.0.tar.gz',
    'demo.pkg-1.0.tar.gz',
    'demo_pkg-1.0-rc1.tar.gz',
    'demo_pkg-v1.0.tar.gz',
  ])
    assert.throws(() => parseDistributionFilename(name), InvalidFilenameError, name);
});

test('refuses eggs, zip sdists, installers, and names with path tricks or odd characters (A4; PEP 527, PEP 715)', () => {
  const names = [
    'demo-1.0.zip',
    'demo-1.0-py3.11.egg',
    'demo-1.0.exe',
    'demo-1.0.tgz',
    'demo-1.0.tar.bz2',
    `../${wheel}`,
    `a/${wheel}`,
    `a\\${wheel}`,
    `${wheel}\0`,
    `${wheel}\n`,
    `${wheel}.metadata`,
    `.${wheel}`,
    'demo pkg-1.0-py3-none-any.whl',
    'démo-1.0-py3-none-any.whl',
    'demo-1.0-py3-none.whl',
    'demo-1.0-build-py3-none-any.whl',
    'demo-1.0-1-2-py3-none-any.whl',
    'demo-1.0-py3--any.whl',
    'demo-1.0-py3..py2-none-any.whl',
    'demo__pkg-1.0-py3-none-any.whl',
    'demo-latest-py3-none-any.whl',
    '-1.0.tar.gz',
    '.tar.gz',
    `demo-1.0-py3-none-${'a'.repeat(MAX_FILENAME_LENGTH)}.whl`,
    '',
  ];
  for (const name of names) assert.throws(() => parseDistributionFilename(name), InvalidFilenameError, name);
});

test('parsing any text as name, version or filename gives an answer or one of our errors', () => {
  const nearly = fc.string({
    unit: fc.constantFrom(...'aZ09.-_+!v \n\0é/', 'rc', 'dev', 'post', '.tar.gz', '.whl'),
    maxLength: 40,
  });
  fc.assert(
    fc.property(nearly, (text) => {
      for (const parse of [normalizeName, normalizeVersion, parseDistributionFilename])
        try {
          parse(text);
        } catch (error) {
          assert.ok(error instanceof PythonIndexError, String(error));
          assert.ok(!/[\n\0]/.test(error.message), 'control characters must not reach a terminal');
        }
    }),
    { numRuns: 2000 },
  );
});

test('a version built from its parts normalizes to itself, and its filenames are taken apart again', () => {
  const number = fc.nat(9999).map(String);
  const optional = (part: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(''), part);
  const version = fc
    .tuple(
      fc.array(number, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.')),
      optional(fc.tuple(fc.constantFrom('a', 'b', 'rc'), number).map((parts) => parts.join(''))),
      optional(number.map((n) => `.post${n}`)),
      optional(number.map((n) => `.dev${n}`)),
      optional(number.map((n) => `+local.${n}`)),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(version, version, (a, b) => {
      assert.equal(normalizeVersion(a), a);
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)));
      for (const name of [`my_demo-${a}.tar.gz`, `My_Demo-${a}-py3-none-any.whl`]) {
        const parsed = parseDistributionFilename(name);
        assert.deepEqual([parsed.project, parsed.version], ['my-demo', a]);
      }
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidFilenameError, normalizeName, parseFilenameOf } from '../index.ts';

test('reads sdist names of before PEP 625 as the project that they are listed under', () => {
  for (const [project, filename, version, normal] of [
    ['foo-bar', 'Foo.Bar-1.0-RC1.zip', '1.0-RC1', '1.0rc1'],
    ['foo-bar', 'foo-bar-v1.tar.gz', 'v1', '1'],
    ['foo-bar', 'foo_bar-1.0.tar.gz', '1.0', '1.0'],
    ['foo', 'foo-1.0.tgz', '1.0', '1.0'],
    ['foo', 'foo-1.0.tar.bz2', '1.0', '1.0'],
    // The project decides: both are valid readings of one name.
    ['a', 'a-1-2.zip', '1-2', '1.post2'],
    ['a-1', 'a-1-2.zip', '2', '2'],
  ] as const) {
    const parsed = parseFilenameOf(normalizeName(project), filename);
    assert.deepEqual(
      [parsed.kind, parsed.project, parsed.version, parsed.normalizedVersion],
      ['sdist', project, version, normal],
    );
  }
});

test('refuses names of other projects, of no version, of other kinds, and with odd characters', () => {
  const project = normalizeName('foo');
  for (const filename of [
    'bar-1.0.tar.gz',
    'foo-bar-1.0.tar.gz',
    'foo-latest.tar.gz',
    'foo.tar.gz',
    'foo-.zip',
    'foo-1.0.egg',
    'foo-1.0.exe',
    'foo-1.0.tar',
    '../foo-1.0.zip',
    'foo-1.0/x.zip',
    'foo-1.0\n.zip',
    'bar-1.0-py3-none-any.whl',
    'foo__x-1.0-py3-none-any.whl',
    `foo-${'1'.repeat(200)}.zip`,
  ])
    assert.throws(() => parseFilenameOf(project, filename), InvalidFilenameError, filename);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { projectDirectory } from '@holdfast/trust';
import fc from 'fast-check';
import { parseRoute } from './routes.ts';

const sha256 = 'ab'.repeat(32);
const directory = projectDirectory(normalizeName('demo'));

test('reads project pages, files and metadata, and sends other spellings to the right one', () => {
  assert.deepEqual(parseRoute('simple/demo/'), { kind: 'project', project: 'demo' });
  assert.deepEqual(parseRoute('simple/demo'), { kind: 'redirect', to: 'demo/' });
  assert.deepEqual(parseRoute('simple/De.Mo/'), { kind: 'redirect', to: '../de-mo/' });
  for (const path of ['simple/', 'simple']) assert.deepEqual(parseRoute(path), { kind: 'all' });
  const file = { project: 'demo', filename: 'demo-1-py3-none-any.whl', sha256 };
  assert.deepEqual(parseRoute(`files/${directory}${sha256}/demo-1-py3-none-any.whl`), { kind: 'file', ...file });
  assert.deepEqual(parseRoute(`files/${directory}${sha256}/demo-1-py3-none-any.whl.metadata`), {
    kind: 'metadata',
    ...file,
  });
});

test('everything else is nothing: traversal, other bins, hidden slashes, bad encodings', () => {
  const odd = [
    '',
    'simple//',
    'simple//x',
    'simple/../',
    'simple/a%2Fb/',
    'simple/%zz/',
    'simple/demo/x',
    `files/000000/demo/${sha256}/demo-1.tar.gz`,
    `files/${directory}${sha256}/`,
    `files/${directory}../x`,
    'metadata/timestamp.json',
  ];
  for (const path of odd) assert.equal(parseRoute(path).kind, 'nothing', path);
});

test('routing never throws', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      (path) => void [parseRoute(path), parseRoute(`files/${path}`), parseRoute(`simple/${path}/`)],
    ),
  );
});

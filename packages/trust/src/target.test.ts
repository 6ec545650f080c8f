import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { type TargetFile, toJson } from '@holdfast/tuf';
import fc from 'fast-check';
import { InvalidTargetError } from './errors.ts';
import { type Distribution, decodeTarget, encodeTarget } from './target.ts';

const digest = fc
  .array(fc.constantFrom(...'0123456789abcdef'), { minLength: 64, maxLength: 64 })
  .map((digits) => digits.join(''));

const distribution: fc.Arbitrary<Distribution> = fc
  .record(
    {
      project: fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/).map(normalizeName),
      sha256: digest,
      size: fc.nat(),
      uploadTime: fc.date({ min: new Date('2000-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
      requiresPython: fc.string(),
      yanked: fc.oneof(fc.constant(true as const), fc.string()),
      coreMetadata: fc.record({ sha256: digest, size: fc.nat() }, { noNullPrototype: true }),
    },
    { requiredKeys: ['project', 'sha256', 'size', 'uploadTime'], noNullPrototype: true },
  )
  .map((facts) => ({ ...facts, filename: `${facts.project}-1.0-py3-none-any.whl` }));

test('what is encoded for a distribution is read back unchanged, whatever its facts (D12)', () => {
  fc.assert(
    fc.property(distribution, (facts) => {
      const { path, file } = encodeTarget(facts);
      assert.deepEqual(decodeTarget(path, file), facts);
    }),
  );
});

const project = normalizeName('django');
const good = encodeTarget({
  project,
  filename: 'django-5.1-py3-none-any.whl',
  sha256: 'ab'.repeat(32),
  size: 7,
  uploadTime: new Date('2026-01-02T03:04:05Z'),
  coreMetadata: { sha256: 'cd'.repeat(32), size: 3 },
});
const withCustom = (custom: object): TargetFile => ({
  ...good.file,
  custom: toJson(custom) as TargetFile['custom'] & object,
});

test('an entry that could mislead an installer is refused, each with its reason (P20)', () => {
  const cases: [string, TargetFile, RegExp][] = [
    [good.path.replace('django/', 'flask/'), good.file, /not <bin>\/<project>\/<filename>/],
    [good.path.replace(/^....../, '000000'), good.file, /not <bin>\/<project>\/<filename>/],
    [good.path.replace('django-5.1', 'flask-5.1'), good.file, /not that of a wheel or an sdist/],
    [good.path.replace('.whl', '.exe'), good.file, /not that of a wheel or an sdist/],
    [good.path, { ...good.file, hashes: new Map([['md5', 'ab'.repeat(16)]]) }, /no SHA-256/],
    [good.path, { ...good.file, hashes: new Map([['sha256', 'AB'.repeat(32)]]) }, /no SHA-256/],
    [good.path, withCustom({}), /upload-time/],
    [good.path, withCustom({ 'upload-time': '2026-13-45T00:00:00Z' }), /upload-time/],
    [good.path, withCustom({ 'upload-time': '2026-01-02T03:04:05Z', 'core-metadata': true }), /core-metadata/],
  ];
  for (const [path, file, reason] of cases) {
    assert.throws(
      () => decodeTarget(path, file),
      (error: unknown) => error instanceof InvalidTargetError && reason.test(error.reason),
      `${path} ${reason}`,
    );
  }
});

test('a reader ignores fields that it does not know (M14)', () => {
  const custom = withCustom({ 'upload-time': '2026-01-02T03:04:05.5Z', 'from-the-future': [1, { x: null }] });
  assert.equal(decodeTarget(good.path, custom).uploadTime.toISOString(), '2026-01-02T03:04:05.500Z');
});

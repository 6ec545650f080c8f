import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UploadFormError, checkUploadFilename, interpretUploadForm } from '../index.ts';

const SHA256 = 'ab'.repeat(32);
const BLAKE2 = 'cd'.repeat(32);
const MD5 = '0123456789abcdef0123456789abcdef';

type Fields = Record<string, string | string[]>;
const form = (fields: Fields): Map<string, string[]> =>
  new Map(Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]));

const wheel: Fields = {
  ':action': 'file_upload',
  protocol_version: '1',
  filetype: 'bdist_wheel',
  pyversion: 'py3',
  metadata_version: '2.4',
  name: 'Demo-Pkg',
  version: '1.0',
  sha256_digest: SHA256,
};
const refusal = (fields: Fields, code: string): void => {
  assert.throws(
    () => interpretUploadForm(form(fields)),
    (error) => error instanceof UploadFormError && error.code === code && error.message.length > 20,
    code,
  );
};

// The fields of each client in the order in which it sends them (index-protocol A4).
const clients: Record<string, Fields> = {
  twine: {
    name: 'Demo-Pkg',
    version: '1.0',
    filetype: 'bdist_wheel',
    pyversion: 'py3',
    metadata_version: '2.4',
    classifiers: ['A', 'B'],
    comment: '',
    sha256_digest: SHA256,
    blake2_256_digest: BLAKE2,
    ':action': 'file_upload',
    protocol_version: '1',
  },
  uv: {
    ':action': 'file_upload',
    sha256_digest: SHA256,
    blake2_256_digest: BLAKE2,
    protocol_version: '1',
    metadata_version: '2.4',
    name: 'Demo_Pkg',
    version: '1.0',
    filetype: 'bdist_wheel',
    pyversion: 'py3',
    requires_python: '>=3.8',
    import_names: ['demo'],
    import_namespaces: '',
    attestations: '[{"version":1}]',
  },
  poetry: { ...wheel, md5_digest: MD5, blake2_256_digest: BLAKE2, name: 'demo.pkg' },
  pdm: { ...wheel, md5_digest: MD5, blake2_256_digest: BLAKE2, provides_extras: ['x', 'y'] },
  hatch: { ...wheel, md5_digest: MD5, 'license-expression': 'MIT', 'requires-dist': ['a', 'b'] },
  flit: { ...wheel, metadata_version: '2.3', md5_digest: MD5, author: 'UNKNOWN' },
};

for (const [client, fields] of Object.entries(clients))
  test(`understands the form as ${client} sends it, in any order of fields (A4)`, () => {
    for (const entries of [Object.entries(fields), Object.entries(fields).reverse()]) {
      const upload = interpretUploadForm(form(Object.fromEntries(entries)));
      assert.deepEqual(
        [upload.kind, upload.project, upload.normalizedVersion, upload.digests.sha256],
        ['wheel', 'demo-pkg', '1.0', SHA256],
      );
      assert.equal(upload.digests.md5, fields['md5_digest']);
      assert.equal(upload.digests.blake2_256, fields['blake2_256_digest']);
      assert.equal(upload.attestations, fields['attestations']);
    }
  });

test('takes an sdist with pyversion "source", and without one as flit sends it (A4)', () => {
  const flit: Fields = { ...wheel, filetype: 'sdist', pyversion: '' };
  assert.equal(interpretUploadForm(form(flit)).kind, 'sdist');
  assert.equal(interpretUploadForm(form({ ...flit, pyversion: 'source' })).kind, 'sdist');
  refusal({ ...flit, pyversion: 'py3' }, 'UPLOAD_FIELD_INVALID');
  refusal({ ...wheel, pyversion: 'source' }, 'UPLOAD_FIELD_INVALID');
});

test('drops the value UNKNOWN, ignores unknown fields, and escapes NUL (A4)', () => {
  refusal({ ...wheel, name: 'UNKNOWN' }, 'UPLOAD_FIELD_MISSING');
  refusal({ ...wheel, name: 'a\0b' }, 'UPLOAD_FIELD_INVALID');
  assert.equal(
    interpretUploadForm(form({ ...wheel, nonsense: ['1', '2'], __proto__x: '1', pyversion: 'UNKNOWN' })).kind,
    'wheel',
  );
});

test('reads an MD5 in hex and in the base64 of the protocol description alike (A4)', () => {
  const base64 = Buffer.from(MD5, 'hex').toString('base64url');
  assert.equal(interpretUploadForm(form({ ...wheel, md5_digest: base64 })).digests.md5, MD5);
  assert.equal(interpretUploadForm(form({ ...wheel, sha256_digest: SHA256.toUpperCase() })).digests.sha256, SHA256);
});

test('names old actions gone, so that poetry learns that "submit" is served no more (A4: 410)', () => {
  refusal({ ...wheel, ':action': 'submit' }, 'UPLOAD_ACTION_GONE');
  refusal({ ...wheel, ':action': 'explode' }, 'UPLOAD_ACTION_UNKNOWN');
});

test('refuses a form that is incomplete, contradicts itself, or has no digest worth comparing', () => {
  for (const field of [':action', 'filetype', 'name', 'version']) {
    const { [field]: _, ...rest } = wheel;
    refusal(rest, 'UPLOAD_FIELD_MISSING');
  }
  refusal({ ...wheel, name: ['demo', 'other'] }, 'UPLOAD_FIELD_REPEATED');
  assert.equal(interpretUploadForm(form({ ...wheel, name: ['demo', 'demo'] })).project, 'demo');
  refusal({ ...wheel, protocol_version: '2' }, 'UPLOAD_PROTOCOL_UNKNOWN');
  refusal({ ...wheel, filetype: 'bdist_egg' }, 'UPLOAD_FILETYPE_UNSUPPORTED');
  refusal({ ...wheel, version: 'latest' }, 'UPLOAD_FIELD_INVALID');
  refusal({ ...wheel, sha256_digest: '' }, 'UPLOAD_DIGEST_MISSING');
  refusal({ ...wheel, sha256_digest: '', md5_digest: MD5 }, 'UPLOAD_DIGEST_MISSING');
  for (const bad of ['zz'.repeat(32), 'ab'.repeat(31)])
    refusal({ ...wheel, sha256_digest: bad }, 'UPLOAD_FIELD_INVALID');
  for (const bad of ['{}', '[1]', '[', '[null]']) refusal({ ...wheel, attestations: bad }, 'UPLOAD_FIELD_INVALID');
});

test('the filename must be the project, version and type that the form announces', () => {
  const upload = interpretUploadForm(form(wheel));
  assert.equal(checkUploadFilename(upload, 'demo_pkg-1.0-py3-none-any.whl').project, 'demo-pkg');
  for (const other of ['demo_pkg-1.0.tar.gz', 'other-1.0-py3-none-any.whl', 'demo_pkg-1.1-py3-none-any.whl'])
    assert.throws(() => checkUploadFilename(upload, other), { code: 'UPLOAD_FILENAME_MISMATCH' });
  assert.throws(() => checkUploadFilename(upload, 'demo_pkg-1.0-py3-none-any.egg'), { code: 'INVALID_FILENAME' });
});

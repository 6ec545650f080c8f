import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ArchiveError, PythonIndexError, bytesSource, readDistributionMetadata } from '../src/index.ts';
import { PKG_INFO, type TarPart, buildSdist, buildTar, pax } from './support/build-tar.ts';
import { METADATA } from './support/build-zip.ts';

const NAME = 'demo-1.0.tar.gz';
const read = async (bytes: Uint8Array, name = NAME) => await readDistributionMetadata(bytesSource(bytes), name);
const refused = async (bytes: Uint8Array, code: string, what = code): Promise<void> => {
  await assert.rejects(
    read(bytes),
    (error) => error instanceof ArchiveError && error.code === code,
    `${what} must be refused with ${code}`,
  );
};
const refusedEntry = async (part: TarPart, code: string, what?: string): Promise<void> =>
  await refused(buildSdist([part]), code, what ?? JSON.stringify(part).slice(0, 120));

test('gives the exact bytes of PKG-INFO and what they say (D12)', async () => {
  const { metadata, fields } = await read(buildSdist([{ path: 'demo-1.0/setup.py', content: 'x' }]));
  assert.equal(Buffer.from(metadata).toString(), METADATA);
  assert.equal(fields.name, 'demo');
});

test('accepts what real writers make: directories, pax and GNU long names, prefixes, git comments, inner links', async () => {
  const long = `demo-1.0/${'directory/'.repeat(20)}file.py`;
  await read(
    gzipSync(
      buildTar(
        [
          pax({ comment: '0123456789abcdef' }, 'g'),
          { path: 'demo-1.0/', type: '5' },
          PKG_INFO,
          pax({ path: long, mtime: '1.5' }),
          { path: 'cut', content: 'y' },
          { path: '././@LongLink', type: 'L', content: `${long}2\0`, magic: 'ustar  \0' },
          { path: 'cut', content: 'z', magic: 'ustar  \0' },
          { path: 'file.py', prefix: 'demo-1.0/some/directory' },
          { path: 'demo-1.0/old', type: '\0', magic: '\0\0\0\0\0\0\0\0' },
          { path: 'demo-1.0/docs/link', type: '2', link: '../old' },
          { path: 'demo-1.0/hard', type: '1', link: 'demo-1.0/old' },
        ],
        9216,
      ),
    ),
  );
});

test('PKG-INFO must be a regular file in the only top directory, which is named like the file (A4, PEP 625)', async () => {
  await refused(gzipSync(buildTar([{ path: 'demo-1.0/setup.py' }])), 'ARCHIVE_CONTENT', 'no PKG-INFO');
  await refused(gzipSync(buildTar([])), 'ARCHIVE_CONTENT', 'an empty archive');
  await refused(gzipSync(buildTar([{ path: 'demo-1.0/PKG-INFO', type: '2', link: 'x' }])), 'ARCHIVE_PATH', 'a link');
  await refused(gzipSync(buildTar([{ path: 'demo-1.0/PKG-INFO/a' }])), 'ARCHIVE_CONTENT', 'a directory');
  for (const path of ['demo-1.1/a', 'a', 'demo-1.0', 'demo-1.0/pkg-info', 'PKG-INFO'])
    await refusedEntry({ path }, 'ARCHIVE_PATH');
});

test('refuses duplicates, also of PKG-INFO, and entries below a file or a link', async () => {
  await refusedEntry(PKG_INFO, 'ARCHIVE_PATH');
  const through: TarPart[] = [
    { path: 'demo-1.0/self', type: '2', link: '.' },
    { path: 'demo-1.0/self/PKG-INFO', content: 'evil' },
  ];
  await refused(buildSdist(through), 'ARCHIVE_PATH', 'a file through a link');
  await refused(buildSdist(through.toReversed()), 'ARCHIVE_PATH', 'a link in the place of a directory');
});

test('refuses paths and links that lead out (PEP 721)', async () => {
  for (const path of [
    'demo-1.0/../x',
    '/demo-1.0/x',
    'demo-1.0//x',
    'demo-1.0/a\\b',
    'demo-1.0/C:x',
    '../demo-1.0/x',
    'demo-1.0/./x',
  ])
    await refusedEntry({ path }, 'ARCHIVE_PATH');
  for (const link of ['/etc/passwd', '..', '../x', '../../x', 'a/../../x', 'a/..', '', 'a\\b', 'C:x'])
    await refusedEntry({ path: 'demo-1.0/link', type: '2', link }, 'ARCHIVE_PATH');
  for (const link of ['/etc/passwd', 'other/x', '../x', 'demo-1.0/../x'])
    await refusedEntry({ path: 'demo-1.0/link', type: '1', link }, 'ARCHIVE_PATH');
});

test('refuses sparse files, devices, pipes and unknown types (A4: no sparse tar members)', async () => {
  for (const type of ['3', '4', '6', '7', 'S', 'D', 'M', 'V', 'A'])
    await refusedEntry({ path: 'demo-1.0/x', type }, 'ARCHIVE_PATH');
  for (const key of ['GNU.sparse.map', 'GNU.sparse.major', 'SUN.holesdata', 'hdrcharset'])
    await refused(buildSdist([pax({ [key]: '1' }), { path: 'demo-1.0/x' }]), 'ARCHIVE_FRAMING', key);
});

test('refuses headers that tar readers understand differently', async () => {
  const x: TarPart = { path: 'demo-1.0/x' };
  const cases: Record<string, readonly TarPart[]> = {
    'a wrong checksum': [{ ...x, badChecksum: true }],
    'an unknown format': [{ ...x, magic: 'uster\x0000' }],
    'a prefix that only some readers see': [{ ...x, magic: 'ustar  \0', prefix: 'demo-1.0' }],
    'a global path': [pax({ path: 'demo-1.0/y' }, 'g'), x],
    'two paths in one pax header': [{ ...pax({}), content: '15 path=demo/a\n15 path=demo/b\n' }, x],
    'two extended headers with a path': [pax({ path: 'demo-1.0/a' }), pax({ path: 'demo-1.0/b' }), x],
    'a pax header with a wrong length': [{ ...pax({}), content: '99 path=demo/a\n' }, x],
    'a pax size that is no number': [pax({ size: '-1' }), x],
    'an extended header without an entry': [pax({ path: 'demo-1.0/a' })],
    'an extended header without end': [{ path: 'pax', type: 'x', content: 'x'.repeat(70_000) }, x],
  };
  for (const [what, parts] of Object.entries(cases)) await refused(buildSdist(parts), 'ARCHIVE_FRAMING', what);
  await refusedEntry({ path: 'demo-1.0/x/', type: '0' }, 'ARCHIVE_PATH', 'a file named like a directory');
  await refusedEntry({ path: 'demo-1.0/x', type: '5', content: 'x' }, 'ARCHIVE_PATH', 'a directory with content');
});

test('refuses what follows the end of the tar archive or the gzip stream, and archives that are cut', async () => {
  const tar = buildTar([PKG_INFO]);
  await refused(gzipSync(Buffer.concat([tar, buildTar([PKG_INFO])])), 'ARCHIVE_FRAMING', 'a second tar archive');
  await refused(gzipSync(tar.subarray(0, -1024)), 'ARCHIVE_FRAMING', 'no end mark');
  await refused(gzipSync(tar.subarray(0, -512)), 'ARCHIVE_FRAMING', 'half an end mark');
  await refused(Buffer.concat([gzipSync(tar), gzipSync(tar)]), 'ARCHIVE_FRAMING', 'a second gzip member');
  await refused(Buffer.concat([gzipSync(tar), Buffer.alloc(8)]), 'ARCHIVE_FRAMING', 'zeros after the gzip stream');
  await refused(
    Buffer.concat([gzipSync(tar), Buffer.alloc(500_000, 1)]),
    'ARCHIVE_FRAMING',
    'much after the gzip stream',
  );
  await refused(gzipSync(tar).subarray(0, -9), 'ARCHIVE_FRAMING', 'cut');
  const wrongSum = gzipSync(tar);
  wrongSum.writeUInt8(wrongSum.readUInt8(wrongSum.length - 6) ^ 1, wrongSum.length - 6);
  await refused(wrongSum, 'ARCHIVE_FRAMING', 'a wrong checksum');
  await refused(deflateRawSync(tar), 'ARCHIVE_FRAMING', 'no gzip header');
  await refused(Buffer.alloc(0), 'ARCHIVE_FRAMING', 'an empty file');
});

test('stops an archive bomb while it unpacks (A4: ratio, size, entries)', async () => {
  const bomb = buildSdist([{ path: 'demo-1.0/zeros', content: Buffer.alloc(70 * 1024 ** 2) }]);
  await refused(bomb, 'ARCHIVE_LIMIT', 'a ratio of 1000');
  const many = buildSdist(Array.from({ length: 20 }, (_, index) => ({ path: `demo-1.0/${index}` })));
  const source = bytesSource(many);
  await assert.rejects(readDistributionMetadata(source, NAME, { entries: 10 }), { limit: 'entries' });
  await assert.rejects(readDistributionMetadata(source, NAME, { unpackedBytes: 5000 }), { limit: 'unpackedBytes' });
  await assert.rejects(readDistributionMetadata(source, NAME, { metadataBytes: 50 }), { limit: 'metadataBytes' });
});

test('PKG-INFO must name the project and version of the filename', async () => {
  const other = gzipSync(buildTar([{ ...PKG_INFO, content: METADATA.replace('demo', 'other') }]));
  await assert.rejects(read(other), { code: 'METADATA_MISMATCH', field: 'Name' });
});

test('a damaged sdist gives PKG-INFO or one of our errors, never another (mutation)', async () => {
  const tar = buildTar([PKG_INFO, pax({ path: 'demo-1.0/long', mtime: '1' }), { path: 'x', content: 'y' }]);
  const mutation = fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(mutation, fc.boolean(), async (changes, packedToo) => {
      const damaged = Uint8Array.from(tar);
      for (const [at, value] of changes) damaged[at] = value;
      const packed = gzipSync(damaged, { level: 1 });
      if (packedToo) for (const [at, value] of changes) packed[at % packed.length] = value;
      try {
        await read(packed);
      } catch (error) {
        assert.ok(error instanceof PythonIndexError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

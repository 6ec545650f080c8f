import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { ArchiveError, PythonIndexError, bytesSource, readDistributionMetadata } from '../src/index.ts';
import { METADATA, type ZipOptions, type ZipPart, buildZip, wheelParts } from './support/build-zip.ts';

const NAME = 'demo-1.0-py3-none-any.whl';
const read = async (bytes: Uint8Array, name = NAME) => await readDistributionMetadata(bytesSource(bytes), name);
const wheel = (more: readonly ZipPart[] = [], options: ZipOptions = {}): Uint8Array =>
  buildZip(wheelParts(more), options);
const refused = async (bytes: Uint8Array, code: string, what = code): Promise<void> => {
  await assert.rejects(
    read(bytes),
    (error) => error instanceof ArchiveError && error.code === code,
    `${what} must be refused with ${code}`,
  );
};
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const zip64 = (...sizes: number[]): Uint8Array => {
  const field = Buffer.alloc(4 + sizes.length * 8);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(sizes.length * 8, 2);
  for (const [index, size] of sizes.entries()) field.writeBigUInt64LE(BigInt(size), 4 + index * 8);
  return field;
};
const descriptor = (crc: number, packed: number, unpacked: number): Uint8Array =>
  Buffer.from(Uint32Array.of(0x08074b50, crc, packed, unpacked).buffer);

test('gives the exact bytes of METADATA and what they say (D12)', async () => {
  const { metadata, fields } = await read(wheel());
  assert.equal(Buffer.from(metadata).toString(), METADATA);
  assert.deepEqual(
    [fields.name, fields.version, fields.requiresPython, fields.requiresDist],
    ['demo', '1.0', '>=3.8', ['six']],
  );
});

test('accepts what real writers make: directories, data descriptors, ZIP64 sizes, unknown extra fields', async () => {
  const crc = 0x8cdc1683; // CRC-32 of "x"
  await read(
    wheel([
      { path: 'demo/data/' },
      {
        path: 'demo/a',
        content: 'x',
        flags: 8,
        after: descriptor(crc, 1, 1),
        crc,
        localCrc: 0,
        localPacked: 0,
        localUnpacked: 0,
      },
      { path: 'demo/b', content: 'x', localExtra: zip64(1, 1), localPacked: 0xffffffff, localUnpacked: 0xffffffff },
      { path: 'demo/c', content: 'x', localExtra: bytes(0x55, 0x54, 1, 0, 9), centralExtra: bytes(0x55, 0x54, 0, 0) },
      { path: 'demo/é', content: 'x', mode: 0o100644 },
    ]),
  );
});

test('refuses bytes before, between or after what belongs to the archive (A4: ZIP framing)', async () => {
  const junk = bytes(1, 2, 3);
  await refused(wheel([], { before: junk }), 'ARCHIVE_FRAMING', 'prepended data');
  await refused(wheel([], { beforeDirectory: junk }), 'ARCHIVE_FRAMING', 'hidden data');
  await refused(wheel([], { beforeEnd: junk }), 'ARCHIVE_FRAMING', 'data after the directory');
  await refused(wheel([], { after: junk }), 'ARCHIVE_FRAMING', 'trailing data');
  await refused(wheel([], { comment: junk }), 'ARCHIVE_FRAMING', 'a comment');
  await refused(wheel([{ path: 'demo/a', content: 'x', after: junk }]), 'ARCHIVE_FRAMING', 'a gap');
  await refused(Buffer.concat([wheel(), wheel()]), 'ARCHIVE_FRAMING', 'two archives');
  await refused(wheel([], { entries: 3 }), 'ARCHIVE_FRAMING', 'a directory with more entries');
  await refused(wheel([], { entries: 9 }), 'ARCHIVE_FRAMING', 'a directory with fewer entries');
});

test('refuses headers that disagree (A4: central directory mismatch, CVE-2025-54368)', async () => {
  const part = { path: 'demo/a', content: 'x' };
  const lies: Record<string, Partial<ZipPart>> = {
    'another name': { localPath: 'demo/b' },
    'another checksum': { localCrc: 1 },
    'another size': { localUnpacked: 2 },
    'a data descriptor that lies': {
      flags: 8,
      localCrc: 0,
      localPacked: 0,
      localUnpacked: 0,
      after: descriptor(1, 1, 1),
    },
    'ZIP64 sizes that are not needed': { centralExtra: zip64(1) },
    'ZIP64 sizes that are missing': { unpacked: 0xffffffff },
    'ZIP64 sizes twice': { localExtra: Buffer.concat([zip64(1, 1), zip64(1, 1)]) },
    'ZIP64 sizes that disagree': { localExtra: zip64(2, 2), localPacked: 0xffffffff, localUnpacked: 0xffffffff },
    'a second name': { centralExtra: bytes(0x75, 0x70, 0, 0) },
    'a cut extra field': { centralExtra: bytes(1, 2, 200, 0) },
    'a stored size that differs': { unpacked: 2 },
  };
  for (const [what, lie] of Object.entries(lies)) await refused(wheel([{ ...part, ...lie }]), 'ARCHIVE_FRAMING', what);
});

test('accepts only stored and deflated entries, neither encrypted nor patched (A4)', async () => {
  for (const method of [9, 12, 14, 93, 99]) await refused(wheel([{ path: 'demo/a', method }]), 'ARCHIVE_FRAMING');
  for (const flags of [1, 32, 64, 8192]) await refused(wheel([{ path: 'demo/a', flags }]), 'ARCHIVE_FRAMING');
});

test('refuses duplicate entries, and entries below a file (A4)', async () => {
  const twice = [...wheelParts(), { path: 'demo/__init__.py', content: 'evil' }];
  await refused(buildZip(twice), 'ARCHIVE_PATH', 'the same file twice');
  await refused(wheel([{ path: 'demo/__init__.py/a' }]), 'ARCHIVE_PATH', 'a file below a file');
  await refused(wheel([{ path: 'demo/a/b' }, { path: 'demo/a' }]), 'ARCHIVE_PATH', 'a file over a directory');
  await refused(
    wheel([{ path: 'demo-1.0.dist-info/metadata' }]),
    'ARCHIVE_PATH',
    'a second METADATA where case is ignored',
  );
});

test('refuses paths that lead elsewhere, and links', async () => {
  const paths = [
    '../a',
    '/a',
    'a/../b',
    './a',
    'a//b',
    'a\\b',
    'C:a',
    'a\0b',
    'a\nb',
    '',
    '/',
    'a\u202eb',
    `${'a/'.repeat(70)}a`,
    'x'.repeat(1025),
  ];
  for (const path of paths) await refused(wheel([{ path }]), 'ARCHIVE_PATH', JSON.stringify(path));
  await refused(wheel([{ path: 'demo/link', content: '/etc', mode: 0o120777 }]), 'ARCHIVE_PATH', 'a symbolic link');
});

test('refuses names that readers decode differently', async () => {
  await refused(wheel([{ path: 'demo/é', flags: 0 }]), 'ARCHIVE_FRAMING', 'not ASCII and not marked');
  const broken = wheel([{ path: 'demo/ab' }]);
  for (let at = Buffer.from(broken).indexOf('demo/ab'); at >= 0; at = Buffer.from(broken).indexOf('demo/ab'))
    broken[at + 6] = 0xff;
  await refused(broken, 'ARCHIVE_FRAMING', 'not UTF-8');
});

test('refuses archive bombs by what the directory declares, without unpacking (A4: ratio, size, entries)', async () => {
  const zeros = Buffer.alloc(70 * 1024 ** 2);
  await refused(wheel([{ path: 'demo/zeros', content: zeros, deflate: true }]), 'ARCHIVE_LIMIT', 'a ratio of 1000');
  const lie = { path: 'demo/a', content: 'x', deflate: true, unpacked: 10_000_000 };
  await refused(wheel([lie]), 'ARCHIVE_FRAMING', 'a size that deflate cannot reach');
  const source = bytesSource(wheel());
  await assert.rejects(readDistributionMetadata(source, NAME, { entries: 3 }), {
    code: 'ARCHIVE_LIMIT',
    limit: 'entries',
  });
  await assert.rejects(readDistributionMetadata(source, NAME, { metadataBytes: 50 }), {
    code: 'ARCHIVE_LIMIT',
    limit: 'metadataBytes',
  });
  await assert.rejects(readDistributionMetadata(source, NAME, { recordBytes: 50 }), {
    code: 'ARCHIVE_LIMIT',
    limit: 'recordBytes',
  });
  await assert.rejects(readDistributionMetadata(source, NAME, { unpackedBytes: 50 }), {
    code: 'ARCHIVE_LIMIT',
    limit: 'unpackedBytes',
  });
});

test('refuses METADATA that unpacks to more or less than declared, is followed by bytes, or has another checksum', async () => {
  const path = 'demo-1.0.dist-info/METADATA';
  await refused(
    wheel([{ path, content: METADATA, deflate: true, unpacked: METADATA.length - 1 }]),
    'ARCHIVE_FRAMING',
    'more',
  );
  await refused(
    wheel([{ path, content: METADATA, deflate: true, unpacked: METADATA.length + 1 }]),
    'ARCHIVE_FRAMING',
    'less',
  );
  await refused(wheel([{ path, content: METADATA, crc: 1 }]), 'ARCHIVE_FRAMING', 'checksum');
  const packed = Buffer.concat([deflateRawSync(METADATA), bytes(1, 2, 3)]);
  await refused(
    wheel([{ path, content: packed, method: 8, unpacked: METADATA.length }]),
    'ARCHIVE_FRAMING',
    'followed by bytes',
  );
});

test('a wheel has one dist-info of its own name and version, with WHEEL, METADATA and RECORD (A4)', async () => {
  for (const name of ['WHEEL', 'METADATA', 'RECORD'])
    await refused(
      buildZip(wheelParts().filter(({ path }) => !path.endsWith(name))),
      'ARCHIVE_CONTENT',
      `without ${name}`,
    );
  await refused(wheel([{ path: 'other-1.0.dist-info/METADATA' }]), 'ARCHIVE_CONTENT', 'a second dist-info');
  await refused(wheel([{ path: 'x.DIST-INFO/METADATA' }]), 'ARCHIVE_CONTENT', 'a second dist-info in capitals');
  await refused(buildZip([{ path: 'demo/a' }]), 'ARCHIVE_CONTENT', 'no dist-info');
  for (const name of ['demo-1.1-py3-none-any.whl', 'other-1.0-py3-none-any.whl'])
    await assert.rejects(read(wheel(), name), { code: 'ARCHIVE_CONTENT' });
  await refused(
    wheel([{ path: 'demo-1.0.dist-info/WHEEL', content: 'Wheel-Version: 2.0\n' }]),
    'ARCHIVE_CONTENT',
    'Wheel 2.0',
  );
});

test('RECORD lists exactly the files of the archive', async () => {
  const record = (content: string): Uint8Array => wheel([{ path: 'demo-1.0.dist-info/RECORD', content }]);
  const lines = wheelParts().map(({ path }) => `${path},,`);
  await read(record(lines.join('\r\n')));
  await read(
    wheel([
      { path: 'demo-1.0.dist-info/RECORD.jws' },
      { path: 'demo-1.0.dist-info/RECORD', content: lines.join('\n') },
    ]),
  );
  await refused(record(lines.slice(1).join('\n')), 'ARCHIVE_CONTENT', 'a file that is not listed');
  await refused(record([...lines, 'demo/ghost.py,,'].join('\n')), 'ARCHIVE_CONTENT', 'a listed file that is not there');
  await refused(record([...lines, lines[0]].join('\n')), 'ARCHIVE_CONTENT', 'a file listed twice');
  await refused(record('nonsense'), 'ARCHIVE_CONTENT', 'nonsense');
});

test('METADATA must name the project and version of the filename (A4: the gap at PyPI, warehouse#8090)', async () => {
  const swapped = (from: string, to: string): Uint8Array =>
    wheel([{ path: 'demo-1.0.dist-info/METADATA', content: METADATA.replace(from, to) }]);
  await assert.rejects(read(swapped('Name: demo', 'Name: other')), {
    code: 'METADATA_MISMATCH',
    field: 'Name',
    found: 'other',
  });
  await assert.rejects(read(swapped('Version: 1.0', 'Version: 1.1')), { code: 'METADATA_MISMATCH', field: 'Version' });
  await assert.rejects(read(swapped('Version: 1.0', 'Version: newest')), {
    code: 'METADATA_MISMATCH',
    field: 'Version',
  });
  assert.equal((await read(swapped('Name: demo', 'Name: Demo'))).fields.name, 'Demo');
});

test('a damaged wheel gives METADATA unharmed or one of our errors, never another (mutation)', async () => {
  const sound = wheel([{ path: 'demo/a', content: 'x'.repeat(300), deflate: true }]);
  const mutation = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(mutation, fc.nat(sound.length), fc.boolean(), async (changes, length, cut) => {
      const damaged = Uint8Array.from(sound);
      for (const [at, value] of changes) damaged[at] = value;
      try {
        await read(cut ? damaged.subarray(0, length) : damaged);
      } catch (error) {
        assert.ok(error instanceof PythonIndexError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

import { createHash } from 'node:crypto';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

/** A file for an archive: path and content. */
export type Entry = readonly [path: string, content: string | Uint8Array];

export interface Distribution {
  readonly filename: string;
  readonly bytes: Buffer;
}

export interface WheelOptions {
  readonly name?: string;
  readonly version?: string;
  readonly requiresPython?: string;
  /** METADATA as it shall be, whatever the filename says. */
  readonly metadata?: string;
  readonly extra?: readonly Entry[];
}

/** A wheel with one module, deterministic for its options. */
export function makeWheel({ name = 'demo', version = '1.0', ...options }: WheelOptions = {}): Distribution {
  const stem = `${name.replaceAll('-', '_')}-${version}`;
  const python = options.requiresPython === undefined ? '' : `Requires-Python: ${options.requiresPython}\n`;
  const metadata =
    options.metadata ?? `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${python}\nA demo.\n`;
  const entries: Entry[] = [
    [`${name.replaceAll('-', '_')}.py`, `VERSION = '${version}'\n`],
    ...(options.extra ?? []),
    [`${stem}.dist-info/METADATA`, metadata],
    [
      `${stem}.dist-info/WHEEL`,
      'Wheel-Version: 1.0\nGenerator: holdfast-test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ],
  ];
  const record = entries.map(([path, content]) => {
    const hash = createHash('sha256').update(content).digest('base64url');
    return `${path},sha256=${hash},${Buffer.byteLength(content)}\n`;
  });
  entries.push([`${stem}.dist-info/RECORD`, `${record.join('')}${stem}.dist-info/RECORD,,\n`]);
  return { filename: `${stem}-py3-none-any.whl`, bytes: makeZip(entries) };
}

/** An sdist with PKG-INFO, deterministic for its options. */
export function makeSdist({ name = 'demo', version = '1.0' } = {}): Distribution {
  const stem = `${name.replaceAll('-', '_')}-${version}`;
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`;
  return {
    filename: `${stem}.tar.gz`,
    bytes: gzipSync(
      makeTar([
        [`${stem}/PKG-INFO`, metadata],
        [`${stem}/${name}.py`, ''],
      ]),
    ),
  };
}

/** A zip archive, deflated. */
export function makeZip(entries: readonly Entry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of entries) {
    const name = Buffer.from(path);
    const data = Buffer.from(content);
    const packed = deflateRawSync(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(0x21, 8); // 1980-01-01: the time is the same each run
    common.writeUInt16LE(0, 6);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(0o100644 * 0x10000, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, tail, name]));
    files.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, ...directory, end]);
}

/** A ustar archive. */
export function makeTar(entries: readonly Entry[]): Buffer {
  const blocks = entries.map(([path, content]) => {
    const data = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(path, 0);
    // Mode, owner, group, size and time in octal; the checksum's own place counts as spaces.
    header.write(
      ['0000644', '0000000', '0000000', data.length.toString(8).padStart(11, '0'), '0'.repeat(11)].join('\x00'),
      100,
    );
    header.write('        0', 148);
    header.write('ustar\x0000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148);
    return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

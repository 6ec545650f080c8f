import { crc32, deflateRawSync } from 'node:zlib';

/** One entry of a ZIP archive that a test builds; the optional fields make it lie. */
export interface ZipPart {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly deflate?: boolean;
  readonly flags?: number;
  readonly method?: number;
  readonly mode?: number;
  /** What the headers say, if not the truth. */
  readonly localPath?: string;
  readonly localExtra?: Uint8Array;
  readonly centralExtra?: Uint8Array;
  readonly localCrc?: number;
  readonly crc?: number;
  readonly unpacked?: number;
  readonly packed?: number;
  readonly localUnpacked?: number;
  readonly localPacked?: number;
  /** Bytes after the content: a data descriptor, or something hidden. */
  readonly after?: Uint8Array;
}

export interface ZipOptions {
  readonly before?: Uint8Array;
  readonly beforeDirectory?: Uint8Array;
  readonly beforeEnd?: Uint8Array;
  readonly comment?: Uint8Array;
  readonly after?: Uint8Array;
  readonly entries?: number;
}

const u16 = (...values: number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer);
const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);

/** Builds a ZIP archive, sound unless told otherwise. Little-endian machines only, as all that run the tests are. */
export function buildZip(parts: readonly ZipPart[], options: ZipOptions = {}): Uint8Array {
  const body: Uint8Array[] = [options.before ?? new Uint8Array()];
  const directory: Uint8Array[] = [];
  let offset = options.before?.length ?? 0;
  for (const part of parts) {
    const content = Buffer.from(part.content ?? '');
    const packed = part.deflate === true ? deflateRawSync(content) : content;
    const name = Buffer.from(part.path);
    const localName = Buffer.from(part.localPath ?? part.path);
    const [flags, method] = [part.flags ?? 1 << 11, part.method ?? (part.deflate === true ? 8 : 0)];
    const crc = part.crc ?? crc32(content);
    const sizes = [part.packed ?? packed.length, part.unpacked ?? content.length] as const;
    const localSizes = [part.localPacked ?? sizes[0], part.localUnpacked ?? sizes[1]] as const;
    const [localExtra, extra] = [part.localExtra ?? new Uint8Array(), part.centralExtra ?? new Uint8Array()];
    const local = [
      u32(0x04034b50),
      u16(20, flags, method, 0, 0),
      u32(part.localCrc ?? crc, ...localSizes),
      u16(localName.length, localExtra.length),
      localName,
      localExtra,
      packed,
      part.after ?? new Uint8Array(),
    ];
    directory.push(
      u32(0x02014b50),
      u16(0x0314, 20, flags, method, 0, 0),
      u32(crc, ...sizes),
      u16(name.length, extra.length, 0, 0, 0),
      u32(((part.mode ?? 0) << 16) >>> 0, offset),
      name,
      extra,
    );
    body.push(...local);
    offset += local.reduce((sum, piece) => sum + piece.length, 0);
  }
  const start = offset + (options.beforeDirectory?.length ?? 0);
  const central = Buffer.concat(directory);
  const count = options.entries ?? parts.length;
  const comment = options.comment ?? new Uint8Array();
  return Buffer.concat([
    ...body,
    options.beforeDirectory ?? new Uint8Array(),
    central,
    options.beforeEnd ?? new Uint8Array(),
    u32(0x06054b50),
    u16(0, 0, count, count),
    u32(central.length, start),
    u16(comment.length),
    comment,
    options.after ?? new Uint8Array(),
  ]);
}

/** The files of a sound wheel `demo-1.0-py3-none-any.whl`, with those given added or replaced; RECORD fits. */
export function wheelParts(more: readonly ZipPart[] = []): ZipPart[] {
  const parts = new Map<string, ZipPart>(
    [
      { path: 'demo/__init__.py', content: 'x = 1\n' },
      { path: 'demo-1.0.dist-info/WHEEL', content: 'Wheel-Version: 1.0\nTag: py3-none-any\n' },
      { path: 'demo-1.0.dist-info/METADATA', content: METADATA, deflate: true },
      ...more,
    ].map((part) => [part.path, part]),
  );
  const record = 'demo-1.0.dist-info/RECORD';
  const lines = [...parts.keys()].filter((path) => path !== record && !path.endsWith('/')).map((path) => `${path},,`);
  if (!parts.has(record)) parts.set(record, { path: record, content: `${[...lines, `${record},,`].join('\n')}\n` });
  return [...parts.values()];
}

export const METADATA =
  'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Python: >=3.8\nRequires-Dist: six\n\nHello\n';

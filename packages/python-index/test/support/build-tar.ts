import { gzipSync } from 'node:zlib';
import { METADATA } from './build-zip.ts';

/** One entry of a tar archive that a test builds. */
export interface TarPart {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly type?: string;
  readonly link?: string;
  readonly prefix?: string;
  readonly magic?: string;
  /** What the header says, if not the truth. */
  readonly size?: number;
  readonly badChecksum?: boolean;
}

export function buildTar(parts: readonly TarPart[], end = 1024): Buffer {
  const blocks: Buffer[] = [];
  for (const part of parts) {
    const content = Buffer.from(part.content ?? '');
    const header = Buffer.alloc(512);
    header.write(part.path, 0, 100);
    header.write('0000644\0', 100);
    header.write(`${(part.size ?? content.length).toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write(part.type ?? '0', 156);
    header.write(part.link ?? '', 157, 100);
    header.write(part.magic ?? 'ustar\x0000', 257, 'latin1');
    header.write(part.prefix ?? '', 345, 155);
    const sum = header.reduce((total, byte) => total + byte, part.badChecksum === true ? 1 : 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(end)]);
}

/** A pax header with the given records. */
export function pax(records: Readonly<Record<string, string>>, type = 'x'): TarPart {
  const content = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + 1;
    while (String(length).length + rest !== length) length = String(length).length + rest;
    return `${length} ${key}=${value}\n`;
  });
  return { path: 'pax', type, content: content.join('') };
}

export const PKG_INFO: TarPart = { path: 'demo-1.0/PKG-INFO', content: METADATA };

/** `demo-1.0.tar.gz` with PKG-INFO and the given entries. */
export const buildSdist = (parts: readonly TarPart[] = []): Buffer => gzipSync(buildTar([PKG_INFO, ...parts]));

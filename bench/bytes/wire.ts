import { hash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { type SentFile, uncoded } from '@holdfast/trust';

/** As the index compresses what it serves; below this many bytes it does not. */
const WORTH_COMPRESSING = 1024;

const CODINGS = {
  gzip: (bytes: Buffer) => gzipSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
  br: (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
};

/** Bytes of a body on the wire, for who asks for this coding. Of files the installer takes all, and the index prefers brotli. */
export function served(body: Uint8Array | string, coding: keyof typeof CODINGS = 'br'): number {
  const bytes = Buffer.from(body);
  if (bytes.length < WORTH_COMPRESSING) return bytes.length;
  return Math.min(bytes.length, CODINGS[coding](bytes).length);
}

/** What a lookup carries of a role, with another file as base, made as packages/index makes it. */
export function coded(file: Uint8Array, base?: Uint8Array): SentFile {
  const { head, text, dictionary } = uncoded(file, base);
  const frame = zstdCompressSync(text, {
    dictionary,
    pledgedSrcSize: text.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: 6,
      [constants.ZSTD_c_windowLog]: Math.min(Math.max(Math.ceil(Math.log2(dictionary.length + text.length)), 10), 26),
    },
  });
  const bytes = Buffer.concat([head, frame]);
  return { bytes, coded: base ? { base: hash('sha256', base).slice(0, 8) } : {} };
}

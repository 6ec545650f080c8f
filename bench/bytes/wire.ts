import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';

/** As the index compresses what it serves; below this many bytes it does not. */
const WORTH_COMPRESSING = 1024;

const CODINGS = {
  gzip: (bytes: Buffer) => gzipSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
  br: (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
};

/** Bytes of a body on the wire, for who asks for this coding. The installer takes all, and the index prefers brotli. */
export function served(body: Uint8Array | string, coding: keyof typeof CODINGS = 'br'): number {
  const bytes = Buffer.from(body);
  if (bytes.length < WORTH_COMPRESSING) return bytes.length;
  return Math.min(bytes.length, CODINGS[coding](bytes).length);
}

/** What a lookup carries of a role that the asker holds in an older version, made as packages/index makes it. */
export function delta(bytes: Uint8Array, older: Uint8Array): Buffer {
  const window = Math.ceil(Math.log2(older.length + bytes.length));
  return zstdCompressSync(bytes, {
    dictionary: older,
    params: {
      [constants.ZSTD_c_compressionLevel]: 9,
      [constants.ZSTD_c_windowLog]: Math.min(Math.max(window, 10), 26),
      [constants.ZSTD_c_enableLongDistanceMatching]: window > 21 ? 1 : 0,
    },
  });
}

import { promisify } from 'node:util';
import {
  brotliCompress,
  brotliCompressSync,
  type BrotliOptions,
  constants,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  type ZstdOptions,
} from 'node:zlib';
import { exactly } from '../exactly.ts';
import type { ContentEncoding } from './content-encoding.ts';

/** Bytes. So much takes zstd 0.1 ms and brotli 0.3 ms; to hand it to another thread and back takes more than that. */
const SMALL = 32 * 1024;

const brotliAsync = promisify<Uint8Array, BrotliOptions, Buffer>(brotliCompress);
const zstdAsync = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);
const gzipAsync = promisify<Uint8Array, Buffer>(gzip);

/** Bytes in a content coding, at a level for what is made while a client waits. */
export async function compress(body: Uint8Array, encoding: ContentEncoding): Promise<Uint8Array> {
  const isSmall = body.length <= SMALL;
  switch (encoding) {
    case 'gzip':
      return exactly(isSmall ? gzipSync(body) : await gzipAsync(body));
    case 'zstd': {
      const options = { pledgedSrcSize: body.length };
      return exactly(isSmall ? zstdCompressSync(body, options) : await zstdAsync(body, options));
    }
    case 'br': {
      const options = brotliOptions(body.length);
      return exactly(isSmall ? brotliCompressSync(body, options) : await brotliAsync(body, options));
    }
  }
}

/** What the coder is not told of the size, it prepares for: a window of megabytes, for each request that is under way. */
function brotliOptions(length: number): BrotliOptions {
  const window = Math.ceil(Math.log2(length + 16));
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 4,
      [constants.BROTLI_PARAM_SIZE_HINT]: length,
      [constants.BROTLI_PARAM_LGWIN]: Math.min(
        Math.max(window, constants.BROTLI_MIN_WINDOW_BITS),
        constants.BROTLI_DEFAULT_WINDOW,
      ),
    },
  };
}

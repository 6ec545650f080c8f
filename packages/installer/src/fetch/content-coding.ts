import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';
import { MisbehavedError } from '../errors.ts';

/** What is asked for. Each coding stands for itself: nothing that was encoded twice is taken. */
export const ACCEPT_ENCODING = 'zstd, br, gzip';

/** RFC 9659 §3: no frame of the content coding needs a window of more than 8 MiB. */
const ZSTD_WINDOW_LOG = 23;

type Decoder = Transform & { readonly bytesWritten: number };

const DECODERS: ReadonlyMap<string, () => Decoder> = new Map<string, () => Decoder>([
  ['zstd', () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } })],
  ['br', () => createBrotliDecompress()],
  ['gzip', () => createGunzip()],
]);

/**
 * Decodes a body as it comes. Memory does not follow what it decodes to: who reads on no further stops it.
 * @throws MisbehavedError for a coding that was not asked for, a damaged or cut body, or one with something behind its end
 */
export function decoded(chunks: AsyncGenerator<Buffer>, coding: string, url: string): AsyncGenerator<Buffer> {
  const decoder = DECODERS.get(coding)?.();
  if (!decoder)
    throw new MisbehavedError(url, `it is encoded as ${JSON.stringify(coding.slice(0, 40))}, which was not asked for`);
  return through(decoder, chunks, url);
}

/** Passes a body through a decoder that must use every byte of it. */
async function* through(decoder: Decoder, chunks: AsyncGenerator<Buffer>, url: string): AsyncGenerator<Buffer> {
  const fed = { bytes: 0, error: undefined as unknown };
  void feed(decoder, chunks, fed);
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw fed.error ?? new MisbehavedError(url, 'its compressed form is damaged', { cause: error });
  } finally {
    decoder.destroy();
  }
  // Decoders stop at the end of what they can read and leave the rest.
  if (decoder.bytesWritten !== fed.bytes) throw new MisbehavedError(url, 'something follows its compressed form');
}

async function feed(
  decoder: Decoder,
  chunks: AsyncGenerator<Buffer>,
  fed: { bytes: number; error: unknown },
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      fed.bytes += chunk.length;
      const full = !decoder.write(chunk);
      // One that was given up in the meantime drains no more.
      if (full && !decoder.destroyed) await drained(decoder);
      if (decoder.destroyed) return;
    }
    decoder.end();
  } catch (error) {
    fed.error = error;
    decoder.destroy();
  }
}

const drained = (stream: Transform): Promise<void> =>
  new Promise((resolve) => {
    stream.once('drain', resolve);
    stream.once('close', resolve);
  });

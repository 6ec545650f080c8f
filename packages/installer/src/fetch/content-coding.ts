import { hash } from 'node:crypto';
import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';
import { MisbehavedError } from '../errors.ts';

/** What is asked for. Each coding stands for itself: nothing that was encoded twice is taken. */
export const ACCEPT_ENCODING = 'zstd, br, gzip';

/** RFC 9842 §6.1: also asked for, by who has a dictionary. */
export const ACCEPT_DICTIONARY = `dcz, ${ACCEPT_ENCODING}`;

/** `Available-Dictionary` (RFC 9842 §2.2): a Structured Field Byte Sequence with the SHA-256 of the dictionary. */
export function availableDictionary(dictionary: Uint8Array): string {
  return `:${hash('sha256', dictionary, 'base64')}:`;
}

/** RFC 9659 §3: no frame of the content coding needs a window of more than 8 MiB. */
const ZSTD_WINDOW_LOG = 23;
/** RFC 9842 §5 lets it grow with the dictionary; no metadata is longer than 64 MiB. */
const DCZ_WINDOW_LOG = 26;
const DCZ_MAGIC = Buffer.from('5e2a4d1820000000', 'hex');

type Decoder = Transform & { readonly bytesWritten: number };

const DECODERS: ReadonlyMap<string, () => Decoder> = new Map<string, () => Decoder>([
  ['zstd', () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } })],
  ['br', () => createBrotliDecompress()],
  ['gzip', () => createGunzip()],
]);

/**
 * Decodes a body as it comes. Memory does not follow what it decodes to: who reads on no further stops it.
 * @param dictionary what was offered with the request, if anything
 * @throws MisbehavedError for a coding that was not asked for, a damaged or cut body, or one with something behind its end
 */
export function decoded(
  chunks: AsyncGenerator<Buffer>,
  coding: string,
  url: string,
  dictionary?: Uint8Array,
): AsyncGenerator<Buffer> {
  if (coding === 'dcz' && dictionary) {
    const params = { [constants.ZSTD_d_windowLogMax]: DCZ_WINDOW_LOG };
    return through(createZstdDecompress({ dictionary, params }), withoutHeader(chunks, dictionary, url), url);
  }
  const decoder = DECODERS.get(coding)?.();
  if (!decoder)
    throw new MisbehavedError(url, `it is encoded as ${JSON.stringify(coding.slice(0, 40))}, which was not asked for`);
  return through(decoder, chunks, url);
}

/** What follows the header of `dcz` (RFC 9842 §5), which names the dictionary. */
async function* withoutHeader(
  chunks: AsyncGenerator<Buffer>,
  dictionary: Uint8Array,
  url: string,
): AsyncGenerator<Buffer> {
  const header = Buffer.concat([DCZ_MAGIC, hash('sha256', dictionary, 'buffer')]);
  let start = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (start.length === header.length) {
      yield chunk;
      continue;
    }
    const all = Buffer.concat([start, chunk]);
    start = all.subarray(0, header.length);
    if (!header.subarray(0, start.length).equals(start))
      throw new MisbehavedError(url, 'it was made with another dictionary than the one that was offered');
    if (all.length > header.length) yield all.subarray(header.length);
  }
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

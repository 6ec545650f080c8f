import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 as crc32OfNode, createInflateRaw } from 'node:zlib';

/**
 * Unpacks one deflate stream (RFC 1951), piece by piece, that must fill the `length` bytes of `source` exactly. Throws
 * anything when it does not; the caller gives the error its name. A consumer that stops early stops the work.
 */
export async function* inflateRaw(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  const engine = createInflateRaw({ chunkSize: 64 * 1024 });
  const done = pipeline(Readable.from(source), engine);
  // A failure reaches the consumer through the iteration below, or through the `await` after it.
  done.catch(() => {});
  for await (const chunk of engine) if (chunk instanceof Uint8Array) yield chunk;
  await done;
  if (engine.bytesWritten !== length) throw new RangeError('bytes follow the deflate stream');
}

/** CRC-32 (ISO 3309), continued from `previous`. */
export function crc32(data: Uint8Array, previous = 0): number {
  return crc32OfNode(data, previous);
}

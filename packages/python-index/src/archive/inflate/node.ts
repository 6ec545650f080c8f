import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 as crc32OfNode, createInflateRaw, inflateRawSync } from 'node:zlib';

/** Up to these sizes in bytes, packed and unpacked, unpacking at once takes less than the way through the thread pool and back. */
const SMALL_PACKED = 64 * 1024;
const SMALL_UNPACKED = 512 * 1024;

/**
 * Unpacks one deflate stream (RFC 1951), piece by piece, that must fill the `length` bytes of `source` exactly. Throws
 * anything when it does not; the caller gives the error its name. A consumer that stops early stops the work.
 */
export async function* inflateRaw(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  if (length > SMALL_PACKED) {
    yield* inflateStream(source, length);
    return;
  }
  const packed = Buffer.concat(await Array.fromAsync(source));
  const small = inflateSmall(packed, length);
  if (small) yield small;
  else yield* inflateStream([packed], length);
}

/** The unpacked bytes; `undefined` when they are not small. */
function inflateSmall(packed: Uint8Array, length: number): Uint8Array | undefined {
  try {
    // With `info` the answer is not a buffer but this, which the type of the function does not say.
    const answer: unknown = inflateRawSync(packed, { maxOutputLength: SMALL_UNPACKED, info: true });
    const { buffer, engine } = answer as { buffer: Uint8Array; engine: { bytesWritten: number } };
    if (engine.bytesWritten !== length) throw new RangeError('bytes follow the deflate stream');
    return buffer;
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

async function* inflateStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array> {
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

import { Readable } from 'node:stream';

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/** A connection that breaks in the middle is replaced this often. */
const RESUMPTIONS = 3;
const BUFFER_BYTES = 256 * 1024;

/**
 * The bytes of a range, asked for when they are first read. When the connection breaks, the rest is asked for again.
 * `part` gives the bytes from a place to the end of the range. After `stop` nothing is asked for any more.
 */
export function resumedStream(
  range: ByteRange,
  part: (start: number) => Promise<Readable>,
  stop: AbortSignal,
): Readable {
  return Readable.from(bytesOf(range, part, stop), { objectMode: false, highWaterMark: BUFFER_BYTES });
}

async function* bytesOf(
  { start, end }: ByteRange,
  part: (start: number) => Promise<Readable>,
  stop: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  let chunks: AsyncIterator<unknown, unknown> | undefined;
  try {
    for (let at = start, broken = 0; at <= end; ) {
      chunks ??= (await part(at))[Symbol.asyncIterator]();
      const chunk = await next(chunks).catch((error: unknown) => {
        if (stop.aborted || ++broken > RESUMPTIONS) throw error;
        return undefined;
      });
      if (!chunk) {
        chunks = undefined;
        continue;
      }
      at += chunk.length;
      yield chunk; // Not where errors are caught: what the reader throws in is no broken connection.
    }
  } finally {
    await chunks?.return?.();
  }
}

/** The next bytes. @throws Error also when there are no more: whoever asks knows that something is missing */
async function next(chunks: AsyncIterator<unknown, unknown>): Promise<Uint8Array> {
  const { value } = await chunks.next();
  if (value instanceof Uint8Array) return value;
  throw new Error('the object ended before its end');
}

import { MisbehavedError } from '../errors.ts';
import { decoded } from './content-coding.ts';
import type { FetchLimits } from './limits.ts';
import type { OpenResponse } from './origin.ts';
import { paced } from './pace.ts';

/**
 * Reads a small body whole. `maxLength` bounds what it decodes to, and with a little for the codings' own bytes what is announced
 * and received.
 * @throws MisbehavedError when there is more or it is not well encoded; UnreachableError when the transfer fails
 */
export async function readSmallBody(
  response: OpenResponse,
  maxLength: number,
  limits: FetchLimits,
  dictionary?: Uint8Array,
): Promise<Uint8Array> {
  const { body, url, headers } = response;
  try {
    const coding = headers['content-encoding'] ?? 'identity';
    const most = coding === 'identity' ? maxLength : maxLength + Math.ceil(maxLength / 1024) + 1024;
    const announced = Number(headers['content-length'] ?? 0);
    if (announced > most) throw tooLong(url, maxLength);
    const received = bounded(paced(body, url, limits, limits.metadataMs), url, most, maxLength);
    if (coding === 'identity') return await collect(received);
    return await collect(bounded(decoded(received, coding, url, dictionary), url, maxLength));
  } finally {
    body.destroy();
  }
}

const tooLong = (url: string, maxLength: number): MisbehavedError =>
  new MisbehavedError(url, `it is longer than the ${maxLength} bytes that are allowed`);

async function* bounded(
  chunks: AsyncIterable<Buffer>,
  url: string,
  most: number,
  maxLength = most,
): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > most) throw tooLong(url, maxLength);
    yield chunk;
  }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { MisbehavedError } from '../errors.ts';
import type { FetchLimits } from './limits.ts';
import type { OpenResponse } from './origin.ts';
import { paced } from './pace.ts';

/**
 * Reads a small body whole. `maxLength` bounds what is announced, what is received and what it decodes to.
 * @throws MisbehavedError when there is more; UnreachableError when the transfer fails
 */
export async function readSmallBody(
  response: OpenResponse,
  maxLength: number,
  limits: FetchLimits,
): Promise<Uint8Array> {
  const { body, url, headers } = response;
  try {
    const announced = Number(headers['content-length'] ?? 0);
    if (announced > maxLength) throw tooLong(url, maxLength);
    const encoding = headers['content-encoding'] ?? 'identity';
    const raw = bounded(paced(body, url, limits, limits.metadataMs), url, maxLength);
    if (encoding === 'identity') return await collect(raw);
    if (encoding === 'gzip') return await collect(bounded(gunzip(raw, url), url, maxLength));
    throw new MisbehavedError(
      url,
      `it is encoded as ${JSON.stringify(encoding.slice(0, 40))}, which was not asked for`,
    );
  } finally {
    body.destroy();
  }
}

const tooLong = (url: string, maxLength: number): MisbehavedError =>
  new MisbehavedError(url, `it is longer than the ${maxLength} bytes that are allowed`);

async function* bounded(chunks: AsyncIterable<Buffer>, url: string, maxLength: number): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxLength) throw tooLong(url, maxLength);
    yield chunk;
  }
}

async function* gunzip(chunks: AsyncGenerator<Buffer>, url: string): AsyncGenerator<Buffer> {
  const decoder = createGunzip();
  let upstream: unknown;
  const feed = (async () => {
    try {
      for await (const chunk of chunks) if (!decoder.write(chunk)) await drained(decoder);
      decoder.end();
    } catch (error) {
      upstream = error;
      decoder.destroy();
    }
  })();
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw upstream ?? new MisbehavedError(url, 'its compressed form is damaged', { cause: error });
  } finally {
    decoder.destroy();
    await feed;
  }
}

const drained = (stream: Readable & { once(event: 'drain' | 'close', listener: () => void): unknown }): Promise<void> =>
  new Promise((resolve) => {
    stream.once('drain', resolve);
    stream.once('close', resolve);
  });

async function collect(chunks: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

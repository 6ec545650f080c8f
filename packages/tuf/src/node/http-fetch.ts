import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { FetchedBody, FetchedResponse, FetchInit } from '../client/http-transfer.ts';

/** As `import` of these modules loads all that they export, `fetch` too, it would cost what this file is to save. */
const clientFor = (url: URL) => process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);
const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', () => zlib.createGunzip()],
  ['deflate', () => zlib.createInflate()],
  ['br', () => zlib.createBrotliDecompress()],
  ['zstd', () => zlib.createZstdDecompress()],
]);

/**
 * For `HttpFetcher` in short-lived programs: asks as the built-in `fetch` does, over kept connections, with redirects and
 * encodings, but is there at once, where `fetch` takes some 40 ms of computing to load.
 */
export async function nodeFetch(url: URL, { headers, signal }: FetchInit): Promise<FetchedResponse> {
  let target = url;
  let sent: OutgoingHttpHeaders = { 'accept-encoding': [...DECODERS.keys()].join(', '), ...headers };
  for (let redirects = 0; ; redirects++) {
    const message = await get(target, sent, signal);
    const { statusCode, headers: received } = message;
    if (!REDIRECTS.has(statusCode) || received.location === undefined) return responseOf(message);
    message.destroy();
    if (redirects === MAX_REDIRECTS) throw new Error('there are too many redirects');
    const next = new URL(received.location, target);
    // What is secret is for the host that it was meant for.
    if (next.origin !== target.origin) sent = { 'accept-encoding': sent['accept-encoding'] };
    target = next;
  }
}

function get(url: URL, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    clientFor(url).get(url, { headers, signal }, resolve).once('error', reject);
  });
}

function responseOf(message: IncomingMessage): FetchedResponse {
  const header = (name: string): string | null => {
    const value = message.headers[name];
    return value === undefined ? null : String(value);
  };
  return {
    status: message.statusCode ?? 0,
    headers: { get: header, has: (name) => header(name) !== null },
    body: bodyOf(decoded(message, header('content-encoding'))),
  };
}

function decoded(message: IncomingMessage, encoding: string | null): Readable {
  if (encoding === null || encoding === 'identity') return message;
  const decoder = DECODERS.get(encoding.toLowerCase())?.();
  if (decoder === undefined) throw new Error(`the encoding ${encoding} is not known`);
  // Whoever reads the decoder's end of it gets the error.
  return pipeline(message, decoder, () => undefined);
}

function bodyOf(stream: Readable): FetchedBody {
  const chunks: AsyncIterator<Uint8Array, undefined> = stream[Symbol.asyncIterator]();
  return {
    getReader: () => ({ read: () => chunks.next(), releaseLock: () => undefined }),
    cancel: async () => void stream.destroy(),
  };
}

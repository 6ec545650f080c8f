import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { InvalidInputError, UnreachableError } from '../errors.ts';
import type { FetchLimits } from './limits.ts';
import { connectionProblem, type OpenResponse } from './origin.ts';

/** For {@link sendOnce}. */
export interface SendOptions {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  /** With an iterable, give its `content-length`. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  readonly limits: FetchLimits;
  /** How long the server may think once it has everything, in milliseconds. */
  readonly answerMs: number;
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the user are looked up. */
  readonly environment: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Sends one request, whatever its status will be: on a connection of its own, never repeated and never redirected, because it may
 * change something and carries credentials. The reader must consume or destroy the body.
 * @throws UnreachableError, InvalidInputError
 */
export function sendOnce(url: URL, options: SendOptions): Promise<OpenResponse> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new InvalidInputError('address', url.href, 'must begin with https:// or http://');
  const { method, body, limits, answerMs, environment, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<OpenResponse>();
  const module = url.protocol === 'https:' ? https : http;
  const agent = new module.Agent({ keepAlive: false, proxyEnv: environment });
  const length = body instanceof Uint8Array ? { 'content-length': String(body.length) } : {};
  const headers = { ...options.headers, ...length };
  const request = module.request(url, { method, agent, headers, ...(signal && { signal }) });
  const chunks = Readable.from(piecesOf(body), { objectMode: false });
  const patience = new Patience((what) => request.destroy(new UnreachableError(url.href, what)));
  patience.wait(limits.connectMs, 'no connection');
  request.once('response', (answer) => {
    patience.end();
    // Answered before it has everything: the rest is neither read nor sent for nothing.
    if (!request.writableEnded) answer.once('close', () => request.destroy());
    resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer, url: url.href });
  });
  request.on('error', (error) => {
    patience.end();
    const known = error instanceof UnreachableError || signal?.aborted === true;
    reject(known ? error : new UnreachableError(url.href, connectionProblem(error), { cause: error }));
  });
  chunks.on('data', () => patience.wait(limits.idleMs, 'nothing was taken'));
  chunks.on('end', () => patience.wait(answerMs, 'no answer'));
  chunks.on('error', (error) => request.destroy(error));
  request.once('close', () => chunks.destroy());
  chunks.pipe(request);
  return promise;
}

/** In small pieces, so that progress can be seen. */
async function* piecesOf(body: SendOptions['body']): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (!(body instanceof Uint8Array)) {
    yield* body;
    return;
  }
  for (let at = 0; at < body.length; at += CHUNK_BYTES) yield body.subarray(at, at + CHUNK_BYTES);
}

/** Gives up when the next sign of life is too long in coming. */
class Patience {
  readonly #giveUp: (what: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(giveUp: (what: string) => void) {
    this.#giveUp = giveUp;
  }

  wait(milliseconds: number, what: string): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#giveUp(`${what} after ${milliseconds / 1000} s`), milliseconds);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}

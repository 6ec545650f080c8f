import http from 'node:http';
import https from 'node:https';
import { AbsentError, InvalidInputError, MisbehavedError, UnreachableError } from '../errors.ts';
import { type Credentials, basicAuthorization } from './credentials.ts';
import type { FetchLimits } from './limits.ts';

/** An answer whose body has not been read. The reader must consume or destroy it. */
export interface OpenResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
  /** Where it came from, after redirects; without credentials. */
  readonly url: string;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Follow redirects to other hosts too, as for files whose hash is known; never from https to http. */
  readonly elsewhere?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const ABSENT = new Set([403, 404, 410]);

/**
 * One scheme, host and port, with kept-alive connections. A request leaves it only when a redirect says so and the asker allowed
 * that; the credentials are sent to no one else.
 */
export class Origin {
  readonly origin: string;
  readonly #agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent };
  readonly #authorization: string | undefined;
  readonly #limits: FetchLimits;
  readonly #closing = new AbortController();

  /** @param environment where HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the user are looked up */
  constructor(url: URL, credentials: Credentials | undefined, limits: FetchLimits, environment: NodeJS.ProcessEnv) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new InvalidInputError('address', url.href, 'must begin with https:// or http://');
    const options = { keepAlive: true, maxSockets: 32, proxyEnv: environment };
    this.#agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
    this.origin = url.origin;
    this.#authorization = credentials && basicAuthorization(credentials);
    this.#limits = limits;
  }

  /**
   * Opens a response with status 200 or 206, following redirects.
   * @throws AbsentError, UnreachableError, MisbehavedError
   */
  async get(url: URL, options: RequestOptions = {}): Promise<OpenResponse> {
    let at = url;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const { body, status } = await this.#request(at, options);
      if (status === 200 || status === 206) return { status, body, headers: body.headers, url: at.href };
      body.destroy();
      if (ABSENT.has(status)) throw new AbsentError(at.href, status);
      if (!REDIRECTS.has(status)) throw new UnreachableError(at.href, `the server answered HTTP ${status}`);
      at = this.#redirected(at, body.headers.location, options.elsewhere === true);
    }
    throw new MisbehavedError(url.href, `more than ${MAX_REDIRECTS} redirects`);
  }

  /** Ends every request; those that come later fail at once. */
  close(): void {
    this.#closing.abort();
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #redirected(from: URL, location: string | undefined, elsewhere: boolean): URL {
    const to = location === undefined ? undefined : URL.parse(location, from.href);
    if (!to) throw new MisbehavedError(from.href, 'a redirect without an address');
    if (to.origin === this.origin) return to;
    if (!elsewhere) throw new MisbehavedError(from.href, `it redirects to another host, ${to.origin}`);
    if (to.protocol !== 'https:' && to.protocol !== from.protocol)
      throw new MisbehavedError(from.href, `it redirects to ${to.protocol.slice(0, -1)}`);
    return to;
  }

  async #request(url: URL, options: RequestOptions): Promise<{ body: http.IncomingMessage; status: number }> {
    try {
      return await this.#send(url, options);
    } catch (error) {
      // A kept-alive connection that the server closed at the same moment says nothing about the server.
      if (error instanceof UnreachableError && error.cause instanceof StaleSocket) return this.#send(url, options);
      throw error;
    }
  }

  #send(url: URL, options: RequestOptions): Promise<{ body: http.IncomingMessage; status: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ body: http.IncomingMessage; status: number }>();
    const authorization = url.origin === this.origin ? this.#authorization : undefined;
    const headers = { ...options.headers, ...(authorization !== undefined && { authorization }) };
    const secure = url.protocol === 'https:';
    const module = secure ? https : http;
    const agent = this.#agents[secure ? 'https:' : 'http:'];
    const closing = this.#closing.signal;
    const signal = options.signal ? AbortSignal.any([options.signal, closing]) : closing;
    const request = module.request(url, { agent, headers, signal });
    const giveUp = (what: string) => () => request.destroy(new UnreachableError(url.href, what));
    let timer = setTimeout(giveUp(`no connection after ${this.#limits.connectMs / 1000} s`), this.#limits.connectMs);
    const connected = (): void => {
      clearTimeout(timer);
      timer = setTimeout(giveUp(`no answer after ${this.#limits.idleMs / 1000} s`), this.#limits.idleMs);
    };
    const ready = secure ? 'secureConnect' : 'connect';
    request.once('socket', (socket) => (request.reusedSocket ? connected() : socket.once(ready, connected)));
    request.once('response', (body) => {
      clearTimeout(timer);
      resolve({ body, status: body.statusCode ?? 0 });
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      if (signal.aborted) return reject(error);
      if (error instanceof UnreachableError) return reject(error);
      const cause = request.reusedSocket ? new StaleSocket(error.message, { cause: error }) : error;
      reject(new UnreachableError(url.href, connectionProblem(error), { cause }));
    });
    request.end();
    return promise;
  }
}

class StaleSocket extends Error {}

/** What a failed connection means, in words. */
export function connectionProblem({ code, message }: NodeJS.ErrnoException): string {
  return CONNECTION_PROBLEMS.get(code ?? '') ?? message;
}

const CONNECTION_PROBLEMS = new Map([
  ['ECONNREFUSED', 'nothing listens there (connection refused)'],
  ['ENOTFOUND', 'the host name cannot be resolved'],
  ['EAI_AGAIN', 'the host name cannot be resolved'],
  ['ECONNRESET', 'the connection was closed'],
  ['ENETUNREACH', 'there is no route to the host'],
  ['EHOSTUNREACH', 'there is no route to the host'],
]);

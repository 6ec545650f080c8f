import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IndexClient } from '../client/index-client.ts';
import { HostNotTrustedError, InvalidInputError } from '../errors.ts';
import { STABLE_ORIGIN, destinationOf, ownHosts } from './addresses.ts';
import { UnverifiedHosts, relay, tunnel } from './forward.ts';
import { IndexSite } from './index-site.ts';
import { type HandedOut, Journal, type Refusal } from './journal.ts';
import { reasonPhrase, sendProblem } from './reply.ts';
import { renderStatusPage } from './status-page.ts';

export interface ProxyOptions {
  readonly clients: readonly IndexClient[];
  readonly clock?: () => Date;
  /** Called once for each thing that is refused, at once. */
  readonly onRefusal?: (refusal: Refusal) => void;
  /** UNSAFE: hosts that tools may reach although nothing that they send is verified (P14). */
  readonly allowUnverifiedHosts?: readonly string[];
  /** On 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
}

export interface RunningProxy {
  /** Where it listens: what HTTP_PROXY is set to. No slash at the end. */
  readonly url: string;
  /** The `--index-url` of an index for tools that do not go through HTTP_PROXY. */
  indexUrl(name: string): string;
  /** The same for tools that do: the same address in every run. */
  stableIndexUrl(name: string): string;
  readonly refusals: readonly Refusal[];
  /** The distribution files that were handed out. */
  readonly verified: readonly HandedOut[];
  /** What is being fetched ahead is waited for, unless its client was closed before. */
  close(): Promise<void>;
}

/**
 * Starts the verifying proxy on the loopback interface. It is an index for pip and uv (`/i/<name>/simple/`), rendered from
 * verified roles, and an HTTP proxy that refuses every host that is not a trusted index, so that whatever else a tool was
 * told to fetch from is closed too.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const journal = new Journal(options.clock ?? (() => new Date()), options.onRefusal ?? (() => {}));
  const proxy = new Proxy(options, journal);
  const server = http.createServer({ keepAliveTimeout: 60_000 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const busy = error.code === 'EADDRINUSE';
      reject(busy ? new InvalidInputError('port', String(options.port), 'is used by another program') : error);
    });
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  proxy.listenTo(server, port);
  return {
    url,
    indexUrl: (name) => `${url}/i/${name}/simple/`,
    stableIndexUrl: (name) => `${STABLE_ORIGIN}/i/${name}/simple/`,
    get refusals() {
      return journal.refusals;
    },
    get verified() {
      return journal.handedOut;
    },
    async close() {
      const stopped = proxy.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([stopped, closed]);
    },
  };
}

class Proxy {
  readonly #sites: ReadonlyMap<string, IndexSite>;
  readonly #clients: readonly IndexClient[];
  readonly #journal: Journal;
  readonly #unverified: UnverifiedHosts;
  readonly #tunnels = new Set<Duplex>();
  #own: ReadonlySet<string> = new Set();

  constructor({ clients, allowUnverifiedHosts = [] }: ProxyOptions, journal: Journal) {
    this.#clients = clients;
    this.#sites = new Map(clients.map((client) => [client.name, new IndexSite(client, journal)]));
    this.#journal = journal;
    this.#unverified = new UnverifiedHosts(allowUnverifiedHosts);
  }

  listenTo(server: http.Server, port: number): void {
    this.#own = ownHosts(port);
    server.on('request', (request, response) => {
      // A client that goes away in the middle is nobody's error.
      response.on('error', () => {});
      this.#answer(request, response).catch((error: unknown) => {
        if (!response.destroyed) sendProblem(request, response, 500, 'Internal Error', String(error));
      });
    });
    server.on('connect', (request, socket, head) => this.#connect(request, socket, head));
  }

  /** Ends what goes on without a request. */
  async stop(): Promise<void> {
    for (const socket of this.#tunnels) socket.destroy();
    await Promise.all(Array.from(this.#sites.values(), (site) => site.stop()));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const target = request.url ?? '/';
    if (target.startsWith('/')) return this.#answerOrigin(request, response, target);
    const url = URL.parse(target);
    if (url?.protocol !== 'http:') return sendProblem(request, response, 400, 'Bad Request', 'Not an http address.');
    const to = destinationOf(url, this.#own, this.#clients);
    if (to.kind === 'own') return this.#answerOwn(request, response, to.path);
    if (to.kind === 'index') return this.#answerIndex(request, response, to.client.name, to.path);
    if (this.#unverified.allows(url.hostname, Number(url.port || 80))) return relay(request, response, url);
    const detail = this.#refuseHost(url.host);
    sendProblem(request, response, 403, `Holdfast refused ${url.host}: not a trusted index`, detail);
  }

  /** A request straight to the proxy. Host and Sec-Fetch-Site keep web pages in the user's browser out. */
  #answerOrigin(request: http.IncomingMessage, response: http.ServerResponse, target: string): Promise<void> | void {
    if (!this.#own.has(request.headers.host ?? ''))
      return sendProblem(
        request,
        response,
        421,
        'Misdirected Request',
        'This proxy answers under its own address only.',
      );
    if (request.headers['sec-fetch-site'] === 'cross-site')
      return sendProblem(request, response, 403, 'Forbidden', 'Other web sites have no business here.');
    return this.#answerOwn(request, response, target.split('?', 1)[0] ?? '/');
  }

  #answerOwn(request: http.IncomingMessage, response: http.ServerResponse, path: string): Promise<void> | void {
    const [, name, rest] = /^\/i\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (name !== undefined && rest !== undefined) return this.#answerIndex(request, response, name, rest);
    if (path === '/') return renderStatusPage(response, this.#clients, this.#journal);
    sendProblem(request, response, 404, 'Not Found', `There is nothing at ${path.slice(0, 200)}.`);
  }

  #answerIndex(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    name: string,
    path: string,
  ): Promise<void> | void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return sendProblem(request, response, 405, 'Method Not Allowed', 'The verifying proxy only reads.');
    }
    const site = this.#sites.get(name);
    if (site) return site.answer(request, response, path);
    sendProblem(request, response, 404, 'Not Found', `No trusted index named ${name.slice(0, 64)} is served here.`);
  }

  #connect(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const url = URL.parse(`https://${request.url ?? ''}`);
    const port = Number(url?.port || 443);
    if (url && this.#unverified.allows(url.hostname, port)) {
      this.#tunnels.add(socket);
      socket.once('close', () => this.#tunnels.delete(socket));
      return tunnel(socket, head, url.hostname, port);
    }
    const host = url?.host ?? (request.url ?? '').slice(0, 200);
    const body = this.#refuseHost(host);
    const phrase = reasonPhrase(`Holdfast refused ${host}: not a trusted index`);
    const length = Buffer.byteLength(body);
    socket.end(
      `HTTP/1.1 403 ${phrase}\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }

  #refuseHost(host: string): string {
    const index = this.#clients.find((client) => client.mirrorUrls.some((mirror) => new URL(mirror).host === host));
    const { explanation } = this.#journal.refuse(index?.name, host, new HostNotTrustedError(host, index?.name));
    return `${explanation.sentence} ${explanation.remedy}\n`;
  }
}

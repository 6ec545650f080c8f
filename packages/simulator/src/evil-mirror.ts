import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a mirror answers. A body is bytes, or chunks that may never end. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Turns the honest answer for a path into the one that is given. */
export type Attack = (path: string, honest: () => Promise<Answer>) => Answer | Promise<Answer>;

/** Everything that a mirror under an attacker's control can do: it sees each request and gives any answer. */
export class EvilMirror {
  readonly url: string;
  /** The paths asked for, in order. */
  readonly requests: string[] = [];
  attack: Attack = (_path, honest) => honest();
  /** Without lookups it is a mirror of files, as every static server is. */
  lookups = true;
  /** What it is a mirror of; the index may move. */
  upstream: string;
  readonly #server: Server;

  /** Starts a mirror of `upstream` on a free loopback port; it is honest until it gets an attack. */
  static async start(upstream: string): Promise<EvilMirror> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const mirror = new EvilMirror(server, `http://127.0.0.1:${port}`, upstream);
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      mirror.#answer(incoming, outgoing).catch(() => outgoing.destroy());
    });
    return mirror;
  }

  private constructor(server: Server, url: string, upstream: string) {
    this.#server = server;
    this.url = url;
    this.upstream = upstream;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/';
    this.requests.push(path);
    if (!this.lookups && path.startsWith('/lookup/')) return void outgoing.writeHead(404).end();
    const answer = await this.attack(path, () => fetchWhole(this.upstream + path));
    const whole = answer.body instanceof Uint8Array ? { 'content-length': String(answer.body.length) } : {};
    outgoing.writeHead(answer.status, { ...Object.fromEntries(answer.headers), ...whole });
    if (answer.body instanceof Uint8Array) outgoing.end(answer.body);
    else await pipeline(Readable.from(answer.body, { objectMode: false }), outgoing);
  }
}

async function fetchWhole(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // No kept connection: it would break when the index behind it starts anew.
    request(url, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const headers = new Map<string, string>();
        for (const name of ['content-type', 'etag']) {
          const value = response.headers[name];
          if (typeof value === 'string') headers.set(name, value);
        }
        resolve({ status: response.statusCode ?? 502, headers, body: Buffer.concat(chunks) });
      });
    })
      .on('error', reject)
      .end();
  });
}

import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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
  readonly #server: Server;

  /** Starts a mirror of `upstream` on a free loopback port; it is honest until it gets an attack. */
  static async start(upstream: string): Promise<EvilMirror> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const mirror = new EvilMirror(server, `http://127.0.0.1:${port}`);
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      mirror.#answer(upstream, incoming, outgoing).catch(() => outgoing.destroy());
    });
    return mirror;
  }

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(upstream: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/';
    this.requests.push(path);
    const answer = await this.attack(path, () => fetchWhole(upstream + path));
    const whole = answer.body instanceof Uint8Array ? { 'content-length': String(answer.body.length) } : {};
    outgoing.writeHead(answer.status, { ...Object.fromEntries(answer.headers), ...whole });
    if (answer.body instanceof Uint8Array) {
      outgoing.end(answer.body);
      return;
    }
    for await (const chunk of answer.body) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(chunk))
        await new Promise((resolve) => outgoing.once('drain', resolve).once('close', resolve));
    }
    outgoing.end();
  }
}

async function fetchWhole(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, (response) => {
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

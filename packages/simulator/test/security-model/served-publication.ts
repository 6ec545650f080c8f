import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Form, Served } from './memory-installer.ts';

/** States of an index on a loopback server, each at an address of its own. */
export class PublicationServer {
  readonly #server: Server;
  readonly #states: { readonly served: Served; readonly form: Form }[] = [];
  #port = 0;

  static async start(): Promise<PublicationServer> {
    const server = new PublicationServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    server.#port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const [, state = '', path = ''] = /^\/(\d+)\/(.*)$/.exec(request.url ?? '') ?? [];
      const { served, form } = this.#states[Number(state)] ?? {};
      const decoded = decodeURIComponent(path);
      const isLookup = form === 'lookups' && path.startsWith('lookup/');
      const bytes = isLookup ? served?.lookup(decoded) : served?.files.get(decoded);
      if (bytes === undefined) return void response.writeHead(isLookup ? 410 : 404).end();
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
  }

  /** @returns the address of that state, which ends with a slash */
  offer(served: Served, form: Form): string {
    this.#states.push({ served, form });
    return `http://127.0.0.1:${this.#port}/${this.#states.length - 1}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

import http from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse, path: string) => boolean | void;

/** A static server of a map of files, on a free port of the loopback interface. A test may step in per request. */
export class StaticMirror {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Paths in the order in which they were asked for. */
  readonly asked: string[] = [];
  /** Answers a request itself when it returns true. */
  intercept: Handler | undefined;
  /** Answers `lookup/…`, where a snapshot that is gone is `undefined`; without it the mirror has only files. */
  lookup: ((address: string) => Uint8Array | undefined) | undefined;
  readonly #server: http.Server;
  readonly #awaited: { readonly path: RegExp; readonly resolve: () => void }[] = [];
  #port = 0;

  private constructor(files: ReadonlyMap<string, Uint8Array>) {
    this.files = files;
    this.#server = http.createServer((request, response) => this.#answer(request, response));
  }

  static async start(files: ReadonlyMap<string, Uint8Array>, port = 0): Promise<StaticMirror> {
    const mirror = new StaticMirror(files);
    await new Promise<void>((resolve) => mirror.#server.listen(port, '127.0.0.1', resolve));
    mirror.#port = (mirror.#server.address() as AddressInfo).port;
    return mirror;
  }

  /** Stays the same when the server is closed. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  count(path: string | RegExp): number {
    return this.asked.filter((each) => (typeof path === 'string' ? each === path : path.test(each))).length;
  }

  /** Resolves as soon as a path has been asked for that fits. */
  wasAsked(path: RegExp): Promise<void> {
    return new Promise((resolve) => {
      if (this.count(path) > 0) resolve();
      else this.#awaited.push({ path, resolve });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#server.listening) return resolve();
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    this.asked.push(path);
    for (const awaited of this.#awaited) if (awaited.path.test(path)) awaited.resolve();
    if (this.intercept?.(request, response, path)) return;
    if (this.lookup && path.startsWith('lookup/')) {
      const answer = this.lookup(path);
      return void (answer ? response.writeHead(200) : response.writeHead(410)).end(answer);
    }
    const bytes = this.files.get(path);
    if (!bytes) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  }
}

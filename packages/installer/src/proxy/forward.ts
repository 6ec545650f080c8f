import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sendProblem } from './reply.ts';

/** Headers that concern one connection only (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Hosts that the user allowed without verification, under an option whose name says that it is unsafe (P14). */
export class UnverifiedHosts {
  readonly #allowed: ReadonlySet<string>;

  /** @param hosts `host`, which means its ports 80 and 443, or `host:port` */
  constructor(hosts: readonly string[]) {
    this.#allowed = new Set(
      hosts
        .map((host) => host.toLowerCase())
        .flatMap((host) => (/:\d+$/.test(host) ? [host] : [`${host}:80`, `${host}:443`])),
    );
  }

  allows(hostname: string, port: number): boolean {
    return this.#allowed.has(`${hostname.toLowerCase()}:${port}`);
  }
}

/** Passes a plain request on, unverified. */
export async function relay(request: http.IncomingMessage, response: http.ServerResponse, url: URL): Promise<void> {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name)));
  const outgoing = http.request(url, { method: request.method ?? 'GET', headers });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
  });
  try {
    const [incoming] = await Promise.all([answered, pipeline(request, outgoing)]);
    const passed = Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name));
    response.writeHead(incoming.statusCode ?? 502, Object.fromEntries(passed));
    await pipeline(incoming, response);
  } catch (error) {
    sendProblem(request, response, 502, 'Bad Gateway', error instanceof Error ? error.message : String(error));
  }
}

/** Joins a CONNECT request to the host that it names, unverified. */
export function tunnel(client: Duplex, head: Buffer, hostname: string, port: number): void {
  const upstream = net.connect({ host: hostname, port });
  const end = (): void => {
    upstream.destroy();
    client.destroy();
  };
  upstream.once('connect', () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    upstream.write(head);
    Promise.all([pipeline(client, upstream), pipeline(upstream, client)]).catch(end);
  });
  upstream.on('error', end);
  client.on('error', end);
}

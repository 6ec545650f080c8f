import { Agent as HttpAgent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { TLSSocket } from 'node:tls';

/** Bytes of one answer: the flat snapshot of a large index is the longest. */
const MAX_BODY = 256 * 2 ** 20;
/** Milliseconds without a byte. */
const SILENCE_MS = 20_000;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As it came: not decoded. */
  readonly body: Buffer;
  readonly httpVersion: string;
  /** Whether the connection had carried an answer before. */
  readonly reused: boolean;
  readonly tls?: { readonly protocol: string; readonly validTo: Date };
}

/** One address of an index, asked as plain clients ask: nothing is decoded, followed or kept. */
export class Site {
  /** With a slash at the end. */
  readonly url: string;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(url: string) {
    this.url = url.endsWith('/') ? url : `${url}/`;
    this.#agent = this.secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  }

  get secure(): boolean {
    return this.url.startsWith('https:');
  }

  /** @param path relative to the index */
  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const send = this.secure ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(new URL(path, this.url), { agent: this.#agent, headers: { Accept: '*/*', ...headers } });
      request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`no answer within ${SILENCE_MS / 1000} s`)));
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > MAX_BODY) request.destroy(new Error(`the answer is longer than ${MAX_BODY} bytes`));
          else chunks.push(chunk);
        });
        response.on('end', () => {
          const { statusCode: status = 0, headers: fields, httpVersion, socket } = response;
          const tls = socket instanceof TLSSocket ? { tls: describeTls(socket) } : {};
          const body = Buffer.concat(chunks);
          resolve({ status, headers: fields, body, httpVersion, reused: request.reusedSocket, ...tls });
        });
      });
      request.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function describeTls(socket: TLSSocket): { protocol: string; validTo: Date } {
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    validTo: new Date(socket.getPeerCertificate().valid_to ?? Number.NaN),
  };
}

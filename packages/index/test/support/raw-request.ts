import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

export interface RawResponse {
  readonly status: number;
  /** The reason phrase. */
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An HTTP request that adds nothing of its own and decodes nothing; the target goes out as it is written. */
export function rawRequest(
  url: string,
  options: { readonly method?: string; readonly headers?: OutgoingHttpHeaders; readonly body?: Uint8Array } = {},
): Promise<RawResponse> {
  const origin = new URL(url).origin;
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {} } = options;
    const sent = request({ hostname, port, path: url.slice(origin.length), method, headers, agent: false });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0, statusMessage = '' } = response;
        resolve({ status: statusCode, reason: statusMessage, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.end(options.body);
  });
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What no honest index would answer, or only on a bad day. */
export interface NastyServer {
  readonly url: string;
  answer: Answer;
  /** Answer before the request's body has come. */
  isEager: boolean;
  /** What was asked so far: method, path, and the body's bytes. */
  readonly asked: { method: string; path: string; headers: IncomingMessage['headers']; body: Buffer }[];
  close(): Promise<void>;
}

export async function nastyServer(): Promise<NastyServer> {
  const asked: NastyServer['asked'] = [];
  let answer: Answer = (_, response) => response.end();
  let isEager = false;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    const now = isEager;
    if (now) answer(request, response);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {}); // a client that went away is what some tests are about
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, path: url, headers, body: Buffer.concat(chunks) });
      if (!now) answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    get answer() {
      return answer;
    },
    set answer(next: Answer) {
      answer = next;
    },
    get isEager() {
      return isEager;
    },
    set isEager(next: boolean) {
      isEager = next;
    },
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

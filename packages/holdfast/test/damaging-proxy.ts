import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { examine } from '../src/doctor/examine.ts';
import type { Finding } from '../src/doctor/finding.ts';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What a proxy does to an answer on its way. */
export type Damage = (path: string, answer: Answer, asked: IncomingHttpHeaders) => void | Promise<void>;

/** A proxy in front of an index, which does one thing wrong. */
export async function proxy(t: TestContext, to: string, damage: Damage): Promise<string> {
  const { hostname, port } = new URL(to);
  const server = createServer((incoming, outgoing) => {
    const { url: path = '', headers } = incoming;
    const upstream = ask({ hostname, port, path, headers, agent: false });
    upstream.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const answer = { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
        delete answer.headers['transfer-encoding'];
        delete answer.headers.connection;
        delete answer.headers['keep-alive'];
        void Promise.resolve(damage(path, answer, headers)).then(() => {
          answer.headers['content-length'] = String(answer.body.length);
          return outgoing.writeHead(answer.status, answer.headers).end(answer.body);
        });
      });
    });
    upstream.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

export const flip = (body: Buffer): Buffer => {
  const changed = Buffer.from(body);
  const at = Math.floor(changed.length / 2);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};

export const noDamage: Damage = () => {};
export const findingsOf = async (
  urls: string[],
  root: Uint8Array | undefined,
  at = new Date(),
  random: () => number = Math.random,
): Promise<readonly Finding[]> => examine({ urls, root, clock: () => at, random }, () => {});
export const bad = (findings: readonly Finding[]): string =>
  findings
    .flatMap(({ check, verdict, detail }) => (verdict === 'ok' ? [] : [`${verdict} ${check}: ${detail}`]))
    .join('\n');

export const path =
  (pattern: RegExp, change: (answer: Answer, asked: IncomingHttpHeaders) => void): Damage =>
  (at, answer, asked) => {
    if (pattern.test(at) && answer.status < 300) change(answer, asked);
  };

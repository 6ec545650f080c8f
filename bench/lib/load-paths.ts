import { connect } from 'node:net';

/** Different requests over kept connections, each once and as fast as they are answered. */
export interface PathsLoad {
  readonly port: number;
  readonly paths: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
}

export interface PathsResult {
  readonly perSecond: number;
  /** Bytes of all answers: their headers, and their bodies as they were sent. */
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/** @throws Error for an answer that is not 200, or does not say its length */
export async function loadPaths({ port, paths, headers = {}, connections }: PathsLoad): Promise<PathsResult> {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const tail = ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${fields.join('')}\r\n`;
  const queue = paths.values();
  const totals = { headerBytes: 0, bodyBytes: 0 };
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, () =>
      askAll(
        port,
        () => queue.next().value,
        tail,
        (head, body) => {
          totals.headerBytes += head;
          totals.bodyBytes += body;
        },
      ),
    ),
  );
  return { perSecond: paths.length / ((performance.now() - began) / 1000), ...totals };
}

function askAll(
  port: number,
  next: () => string | undefined,
  tail: string,
  onAnswer: (headerBytes: number, bodyBytes: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const ask = (): void => {
      const path = next();
      if (path === undefined) socket.end();
      else socket.write(`GET ${path}${tail}`);
    };
    let head = Buffer.alloc(0);
    let missing = 0;
    const begun = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      const text = head.toString('latin1', 0, end);
      const length = /^content-length: (\d+)\r$/im.exec(text)?.[1];
      if (!text.startsWith('HTTP/1.1 200 ') || length === undefined) {
        socket.destroy(new Error(`not an answer with a length: ${text}`));
        return;
      }
      onAnswer(end, Number(length));
      missing = Number(length) - (head.length - end);
      head = Buffer.alloc(0);
      if (missing === 0) ask();
    };
    socket.on('connect', ask);
    socket.on('data', (chunk) => {
      if (missing === 0) return begun(chunk);
      missing -= chunk.length;
      if (missing === 0) ask();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

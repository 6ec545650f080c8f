import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/** What went through since the last time that somebody asked. */
export interface Counted {
  readonly requests: number;
  /** Bytes of requests, which have no body. */
  readonly asked: number;
  /** Bytes of answers: their headers, and their bodies as they were sent. */
  readonly head: number;
  readonly body: number;
}

export interface CountingProxy {
  readonly url: string;
  take(): Counted;
  close(): void;
}

const NONE: Counted = { requests: 0, asked: 0, head: 0, body: 0 };

/** Passes GET requests on to a port of this machine, and counts bytes. Each answer must say its length. */
export async function startCountingProxy(port: number): Promise<CountingProxy> {
  let counted = NONE;
  const add = (more: Partial<Counted>): void => {
    counted = {
      requests: counted.requests + (more.requests ?? 0),
      asked: counted.asked + (more.asked ?? 0),
      head: counted.head + (more.head ?? 0),
      body: counted.body + (more.body ?? 0),
    };
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    const answer = answerCounter(add);
    client.on('data', (chunk) => {
      add({ asked: chunk.length });
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      answer(chunk);
      client.write(chunk);
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroySoon());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = counted;
      counted = NONE;
      return taken;
    },
    close: () => server.close(),
  };
}

function answerCounter(add: (more: Partial<Counted>) => void): (chunk: Buffer) => void {
  let head = Buffer.alloc(0);
  let missing = 0;
  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      const taken = Math.min(missing, rest.length);
      add({ body: taken });
      missing -= taken;
      rest = rest.subarray(taken);
      if (rest.length === 0) return;
      head = Buffer.concat([head, rest]);
      const end = head.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      const text = head.toString('latin1', 0, end);
      add({ requests: 1, head: end });
      missing = / 304 /.test(text.slice(0, 13)) ? 0 : Number(/^content-length: (\d+)\r$/im.exec(text)?.[1] ?? 0);
      rest = head.subarray(end);
      head = Buffer.alloc(0);
    }
  };
}

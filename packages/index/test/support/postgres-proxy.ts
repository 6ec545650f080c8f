import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface PostgresProxy {
  /** The location of the same database, through the proxy. */
  readonly location: string;
  /** From now on the connections that stand carry nothing any more, and nobody is told; new ones work. */
  strand(): void;
}

/** TCP in front of a PostgreSQL server, such as a network that drops packets after the server moved to another machine. */
export async function proxyPostgres(t: TestContext, location: string): Promise<PostgresProxy> {
  const { username, hostname, pathname } = new URL(location);
  const path = join(decodeURIComponent(hostname), '.s.PGSQL.5432');
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((client) => {
    const upstream = connect(path);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes: Buffer) => upstream.write(bytes));
    upstream.on('data', (bytes: Buffer) => client.write(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of [...pairs].flat()) socket.destroy();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('the proxy has no port');
  return {
    location: `postgres://${username}@127.0.0.1:${address.port}${pathname}`,
    strand() {
      for (const socket of [...pairs].flat()) socket.removeAllListeners('data').pause();
    },
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Built by `script/setup`. */
const PROGRAM = join(import.meta.dirname, '../../../../.tools/s3-server/s3-server');
const START_MS = 20_000;

export interface S3Server {
  readonly url: string;
  /** Of the only one who may do anything. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Makes a bucket. Its objects are files below the directory that comes back. */
  bucket(name: string): Promise<string>;
  /** Connections are to be cut: the first after that many further bytes of answers, the next after as many more as come next. */
  cut(afterBytes: readonly number[]): void;
  /** Connections that were cut so far. */
  readonly cuts: number;
  stop(): Promise<void>;
}

/** A real S3 server on a port of its own. In front of it stands a proxy that can cut connections. */
export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
  const socket = join(directory, 'socket');
  const root = join(directory, 'buckets');
  await mkdir(root);
  const credentials = { accessKeyId: 'holdfast', secretAccessKey: 'a secret of the tests' };
  const child = spawn(PROGRAM, [socket, root], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
  });
  const ended = once(child, 'exit');
  await Promise.race([
    listening(socket),
    ended.then(() => Promise.reject(new Error('the S3 server ended at once: was script/setup run?'))),
  ]);
  const proxy = await startProxy(socket);
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    credentials,
    async bucket(name) {
      await mkdir(join(root, name));
      return join(root, name);
    },
    cut(afterBytes) {
      proxy.plan = [...afterBytes];
    },
    get cuts() {
      return proxy.cuts;
    },
    async stop() {
      proxy.close();
      child.kill();
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

async function listening(path: string): Promise<void> {
  for (const end = Date.now() + START_MS; ; ) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await wait(20); // Nothing tells when another program listens.
    } finally {
      socket.destroy();
    }
  }
}

interface Proxy {
  readonly port: number;
  plan: number[];
  cuts: number;
  close(): void;
}

async function startProxy(path: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(path);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (bytes: Buffer) => {
      const [left] = proxy.plan;
      if (left === undefined) return void client.write(bytes);
      client.write(bytes.subarray(0, left));
      proxy.plan[0] = left - bytes.length;
      if (left > bytes.length) return;
      proxy.plan.shift();
      proxy.cuts++;
      upstream.destroy();
    });
    upstream.on('end', () => client.end());
  });
  const proxy: Proxy = {
    port: 0,
    plan: [],
    cuts: 0,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('the proxy has no port');
  return Object.assign(proxy, { port: address.port });
}

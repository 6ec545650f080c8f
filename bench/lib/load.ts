import { connect, type Socket } from 'node:net';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** An HTTP/1.1 load for answers of one known size: sockets kept alive, nothing parsed, so that the server is the limit. */
export interface Load {
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
}

/** Requests answered per second. Runs in a thread of its own. */
export async function requestsPerSecond(load: Load): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { workerData: load });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function measure(load: Load): Promise<number> {
  const extra = Object.entries(load.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${load.path} HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\n${extra.join('')}\r\n`);
  const size = await sizeOfAnswer(load.port, request);
  let answered = 0;
  const began = performance.now();
  const end = began + load.seconds * 1000;
  const drive = async (): Promise<void> => {
    while (performance.now() < end) {
      const more = await askUntilClosed(load.port, request, size, end);
      answered += more;
    }
  };
  await Promise.all(Array.from({ length: load.connections }, drive));
  return answered / ((performance.now() - began) / 1000);
}

/** Asks on one connection until time is up, or the server closes it, as some do after each answer. The number of answers. */
function askUntilClosed(port: number, request: Buffer, size: number, end: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(request));
    const giveUp = setTimeout(() => socket.destroy(), Math.max(1, end - performance.now()));
    let answered = 0;
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received < size) return;
      received -= size;
      answered++;
      if (performance.now() < end) socket.write(request);
      else socket.destroy();
    });
    // Some servers reset connections under load: what was answered before counts, and the next connection goes on.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(giveUp);
      resolve(answered);
    });
  });
}

/** Bytes of one whole answer, header and body; it must be 200 and say its length. */
async function sizeOfAnswer(port: number, request: Buffer): Promise<number> {
  const socket = await connected(port);
  let answer = Buffer.alloc(0);
  socket.write(request);
  for await (const chunk of socket) {
    answer = Buffer.concat([answer, chunk as Buffer]);
    const end = answer.indexOf('\r\n\r\n');
    const length = /^content-length: (\d+)/im.exec(answer.toString('latin1'))?.[1];
    if (end < 0 || length === undefined) continue;
    if (!/^HTTP\/1\.[01] 200 /.test(answer.toString('latin1')))
      throw new Error(`not 200: ${answer.toString('latin1').slice(0, 200)}`);
    socket.destroy();
    return end + 4 + Number(length);
  }
  throw new Error(`no answer with a length: ${answer.toString('latin1').slice(0, 300)}`);
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

if (parentPort !== null) parentPort.postMessage(await measure(workerData as Load));

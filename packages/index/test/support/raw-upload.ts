import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { basic, type UploadTo } from './upload.ts';

/** An upload that is written to the socket byte by byte as a test wants it, beyond what a decent client would do. */
export class RawUpload {
  readonly socket: Socket;
  #answer = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#answer += chunk.toString('latin1');
    });
    socket.on('error', () => {}); // a reset is what some tests provoke
  }

  /** Connects and sends the header. `length` of `undefined` sends the body in chunks without an end. */
  static async start(to: UploadTo, length: number | undefined): Promise<RawUpload> {
    const { hostname, port } = new URL(to.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const framing = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
    socket.write(`POST /legacy/ HTTP/1.1\r\nHost: index\r\nAuthorization: ${basic(to.token)}\r\n${framing}\r\n`);
    socket.write('Content-Type: multipart/form-data; boundary=X\r\n\r\n');
    return new RawUpload(socket);
  }

  /** Sends bytes of the body; resolves when the socket takes more. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.socket.write(bytes) && !this.socket.destroyed)
      await Promise.race([once(this.socket, 'drain'), this.closed()]);
  }

  async sendChunk(bytes: Uint8Array): Promise<void> {
    await this.send(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
  }

  /** Whether the head of an answer is there. */
  get answered(): boolean {
    return this.#answer.includes('\r\n\r\n');
  }

  /** The answer so far, once it has a head. */
  async answer(): Promise<string> {
    while (!this.answered) {
      if (this.socket.destroyed || this.socket.readableEnded)
        throw new Error(`closed without an answer: ${this.#answer}`);
      await Promise.race([once(this.socket, 'data'), this.closed()]);
    }
    return this.#answer;
  }

  async closed(): Promise<void> {
    if (!this.socket.destroyed) await once(this.socket, 'close');
  }

  /** Breaks the connection off with a reset. */
  abort(): void {
    this.socket.resetAndDestroy();
  }
}

/** The beginning of a form whose file goes on for ever. */
export function openForm(filename: string): Buffer {
  const part = (name: string, value: string): string =>
    `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  return Buffer.from(
    `${part(':action', 'file_upload')}--X\r\nContent-Disposition: form-data; name="content"; filename="${filename}"\r\n\r\n`,
  );
}

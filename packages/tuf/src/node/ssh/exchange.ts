import { createConnection } from 'node:net';
import { SignerError } from '../../errors.ts';
import { uint32 } from './wire.ts';

/** What OpenSSH's agent takes and gives at most, without the four bytes of the length. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * Sends one message to the agent and returns its answer: the type, then the content, without the length.
 * @throws SignerError: `unreachable`, `timeout`, `invalid-answer`
 */
export function exchange(socketPath: string, message: Uint8Array, timeoutMs: number): Promise<Buffer> {
  const holder = agentAt(socketPath);
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    const answer = new AnswerBuffer();
    let connected = false;
    // One limit for the whole exchange: an agent that drips is as late as one that is silent.
    const timer = setTimeout(() => fail(new SignerError(holder, 'timeout', `within ${timeoutMs} ms`)), timeoutMs);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
    };
    const fail = (error: SignerError): void => {
      finish();
      reject(error);
    };
    socket.on('connect', () => {
      connected = true;
      socket.write(Buffer.concat([uint32(message.length), message]));
    });
    socket.on('data', (chunk: Buffer) => {
      const outcome = answer.add(chunk);
      if (typeof outcome === 'string') return fail(new SignerError(holder, 'invalid-answer', outcome));
      if (outcome === undefined) return;
      finish();
      resolve(outcome);
    });
    socket.on('end', () => fail(new SignerError(holder, 'invalid-answer', 'it hung up before the end')));
    socket.on('error', (cause) => {
      const detail = connected ? 'the connection broke' : 'is it running?';
      fail(new SignerError(holder, 'unreachable', detail, cause));
    });
  });
}

export function agentAt(socketPath: string): string {
  return `the SSH agent at ${socketPath}`;
}

/** Gathers one answer of at most {@link MAX_MESSAGE_BYTES}. */
class AnswerBuffer {
  private readonly chunks: Buffer[] = [];
  private received = 0;
  private expected: number | undefined;

  /** The answer once it is there; `undefined` while it is not; a sentence when it never will be. */
  add(chunk: Buffer): Buffer | string | undefined {
    this.chunks.push(chunk);
    this.received += chunk.length;
    if (this.received < 4) return undefined;
    this.expected ??= Buffer.concat(this.chunks).readUInt32BE();
    if (this.expected === 0 || this.expected > MAX_MESSAGE_BYTES) return `an answer of ${this.expected} bytes`;
    if (this.received > 4 + this.expected) return 'more than one answer';
    return this.received === 4 + this.expected ? Buffer.concat(this.chunks).subarray(4) : undefined;
  }
}

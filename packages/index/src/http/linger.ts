import type { IncomingMessage } from 'node:http';

/** Milliseconds and bytes for which a refused request is still read. */
const LINGER_MS = 20_000;
const LINGER_BYTES = 512 * 2 ** 20;

/** Whether the request has a body that was not received to its end. */
export function bodyPending(request: IncomingMessage): boolean {
  const { headers } = request;
  const announced = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return announced && !request.complete && !request.destroyed;
}

/**
 * Reads and forgets what the client still sends, within bounds. Most uploaders read the answer only after they have sent
 * everything: to close at once would show them "connection reset" where the reason should stand.
 */
export function linger(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let received = 0;
    const finish = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', finish).off('close', finish);
      resolve();
    };
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      if (received > LINGER_BYTES) finish();
    };
    const timer = setTimeout(finish, LINGER_MS);
    request.on('data', onData).on('end', finish).on('close', finish).on('error', finish);
    request.resume();
  });
}

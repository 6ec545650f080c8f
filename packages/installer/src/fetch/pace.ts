import type { Readable } from 'node:stream';
import { TooSlowError, UnreachableError } from '../errors.ts';
import type { FetchLimits } from './limits.ts';

/**
 * Passes a body on while it keeps its pace, and destroys it otherwise: no byte for `idleMs`, fewer than
 * `minimumBytesPerSecond` over a window, or longer than `totalMs`. Leaving the loop early cancels the transfer.
 * @throws TooSlowError for the rate, UnreachableError otherwise
 */
export async function* paced(
  body: Readable,
  url: string,
  limits: FetchLimits,
  totalMs = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  const start = performance.now();
  let lastByte = start;
  let windowStart = start;
  let windowBytes = 0;
  const stop = (reason: string): void => void body.destroy(new UnreachableError(url, reason));
  const tooSlow = (): void => void body.destroy(new TooSlowError(url, 'the data comes too slowly'));
  const check = (): void => {
    const now = performance.now();
    if (now - start > totalMs) return stop(`not complete after ${totalMs / 1000} s`);
    if (now - lastByte > limits.idleMs) return stop(`no data for ${limits.idleMs / 1000} s`);
    const seconds = (now - windowStart) / 1000;
    if (seconds * 1000 < limits.rateWindowMs) return;
    if (windowBytes < seconds * limits.minimumBytesPerSecond) return tooSlow();
    windowStart = now;
    windowBytes = 0;
  };
  const period = Math.min(limits.idleMs, limits.rateWindowMs, totalMs) / 4;
  const timer = setInterval(check, period);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      lastByte = performance.now();
      windowBytes += chunk.length;
      yield chunk;
      lastByte = performance.now();
    }
  } catch (error) {
    throw error instanceof UnreachableError
      ? error
      : new UnreachableError(url, 'the transfer broke off', { cause: error });
  } finally {
    clearInterval(timer);
    body.destroy();
  }
}

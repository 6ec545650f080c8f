import { SignerError, type SignerProblem } from './errors.ts';

/**
 * Asks a service that holds keys, by way of its own library, and turns whatever goes wrong into a SignerError.
 * @param holder who it is, for messages
 * @param timeoutMs for the whole call; the library is told by the signal, and not waited for if it does not listen
 * @param problemOf what an error of the library means
 */
export async function callService<T>(
  holder: string,
  timeoutMs: number,
  problemOf: (error: unknown) => SignerProblem,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new SignerError(holder, 'timeout', `within ${timeoutMs} ms`)));
  });
  try {
    return await Promise.race([call(signal), late]);
  } catch (cause) {
    if (cause instanceof SignerError) throw cause;
    if (signal.aborted) throw new SignerError(holder, 'timeout', `within ${timeoutMs} ms`, cause);
    throw new SignerError(holder, problemOf(cause), said(cause), cause);
  }
}

/** What an HTTP status of such a service means; `undefined` when there was no answer. */
export function problemOfHttpStatus(status: number | undefined): SignerProblem {
  if (status === undefined || status === 429 || status > 500) return 'unreachable';
  if (status === 404) return 'no-such-key';
  if (status === 413) return 'unsupported';
  return status >= 400 ? 'refused' : 'invalid-answer';
}

/** Messages of others end up on a terminal: one line, not endless. */
function said(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/[\p{C}\s]+/gu, ' ').slice(0, 300);
}

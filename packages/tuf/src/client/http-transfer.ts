import { LengthMismatchError, NetworkError, NotFoundError } from '../errors.ts';
import type { TransferLimits } from './http-limits.ts';

/** Takes the bytes of one file, in order. */
export interface TransferSink {
  /** The next bytes; waited for, so that nothing piles up. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** The server begins anew: what came so far does not count. */
  restart(): void | Promise<void>;
}

/** What a transfer asks of `fetch`. */
export interface FetchInit {
  /** Of the request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the request and the reading of its answer. */
  readonly signal: AbortSignal;
  /** A cache on the way would show yesterday's timestamp. */
  readonly cache: 'no-store';
}

/** The body of an answer: what a transfer needs of a `ReadableStream` of bytes. */
export interface FetchedBody {
  /** For one reader at a time. */
  getReader(): {
    /** Without a value at the end. */
    read(): Promise<{
      /** The next bytes. */
      readonly value?: Uint8Array | undefined;
    }>;
    /** Leaves what has not been read to the next reader. */
    releaseLock(): void;
  };
  /** Nobody wants the rest. */
  cancel(): Promise<void>;
}

/** What a transfer needs of a `Response`. */
export interface FetchedResponse {
  /** The status code. */
  readonly status: number;
  /** Of the answer; names in any case. */
  readonly headers: {
    /** Null for a header that is not there. */
    get(name: string): string | null;
    /** Whether it is there. */
    has(name: string): boolean;
  };
  /** Null for an answer without one. */
  readonly body: FetchedBody | null;
}

/** What a transfer needs of `fetch`, which is one. */
export type Fetch = (url: URL, init: FetchInit) => Promise<FetchedResponse>;

export interface Transfer {
  readonly url: URL;
  /** For messages: relative to the repository. */
  readonly path: string;
  readonly maxLength: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly limits: TransferLimits;
  readonly fetch: Fetch;
  readonly signal?: AbortSignal | undefined;
  readonly onReceived?: ((received: number) => void) | undefined;
}

interface Progress {
  received: number;
  /** A strong entity tag: only with one is it certain that the rest belongs to the same file. */
  tag: string | undefined;
}

const MAX_RESUMES = 20;
const FIRST_PAUSE_MS = 100;
const MAX_SKIMMED_BYTES = 16_384;

/** No answer that is worth another try at the same server. */
class FinalNetworkError extends NetworkError {}

/**
 * Receives one file. What breaks off is continued with a Range request where the server can, and else begun anew.
 * @throws NotFoundError, NetworkError, LengthMismatchError, and the signal's reason
 */
export async function receive(transfer: Transfer, sink: TransferSink): Promise<void> {
  const { limits, path, signal } = transfer;
  const progress: Progress = { received: 0, tag: undefined };
  const deadline = performance.now() + limits.totalMs;
  let fruitless = 0;
  for (let resumes = 0; ; resumes++) {
    signal?.throwIfAborted();
    const began = performance.now();
    const before = progress.received;
    try {
      return await attempt(transfer, sink, progress, deadline);
    } catch (error) {
      signal?.throwIfAborted();
      // A byte now and then, with a break before anybody calls it slow, must not buy another try.
      const least = ((performance.now() - began) / 1000) * limits.minimumBytesPerSecond;
      const gained = progress.received - before;
      fruitless = gained > 0 && gained >= least ? 0 : fruitless + 1;
      const lost = fruitless >= limits.attempts || resumes >= MAX_RESUMES || error instanceof FinalNetworkError;
      if (lost || !(error instanceof NetworkError)) throw error;
      const pause = FIRST_PAUSE_MS * 3 ** Math.max(0, fruitless - 1);
      if (performance.now() + pause > deadline) throw new NetworkError(path, tooLate(limits), error);
      await delay(pause, signal);
    }
  }
}

async function attempt(transfer: Transfer, sink: TransferSink, progress: Progress, deadline: number): Promise<void> {
  const { path, limits } = transfer;
  const watch = new Watch(path, limits, deadline);
  const signal = transfer.signal === undefined ? watch.signal : AbortSignal.any([watch.signal, transfer.signal]);
  let response: FetchedResponse | undefined;
  let complete = false;
  try {
    const { fetch } = transfer; // called as a method of anything else, a browser's refuses
    response = await fetch(transfer.url, {
      headers: { ...transfer.headers, ...rangeHeaders(progress) },
      signal,
      cache: 'no-store',
    });
    if (response.status >= 400) await skim(response);
    checkStatus(response, path);
    if (!continues(response, progress)) {
      progress.received = 0;
      await sink.restart();
    }
    const tag = response.headers.get('etag') ?? '';
    progress.tag = tag.startsWith('"') ? tag : undefined;
    await pass(response, transfer, sink, progress, watch);
    complete = true;
  } catch (error) {
    throw asFailure(error, path, watch);
  } finally {
    watch.stop();
    if (!complete) await response?.body?.cancel().catch(() => undefined); // an aborted body is gone already
  }
}

/**
 * The page that comes with "not there" is read, so that the connection can be used again: each refresh asks for a root that
 * is not there. What goes wrong with it does not matter.
 */
async function skim({ body }: FetchedResponse): Promise<void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (let left = MAX_SKIMMED_BYTES; left > 0; ) {
      const { value } = await reader.read();
      if (value === undefined) return;
      left -= value.length;
    }
  } catch {
    // The status has been read.
  } finally {
    reader.releaseLock();
  }
}

async function pass(
  response: FetchedResponse,
  { path, maxLength, onReceived }: Transfer,
  sink: TransferSink,
  progress: Progress,
  watch: Watch,
): Promise<void> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  const encoded = response.headers.has('content-encoding');
  if (!encoded && progress.received + announced > maxLength) throw new LengthMismatchError(path, maxLength, undefined);
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { value } = await reader.read();
      if (value === undefined) return;
      watch.received(value.length);
      if (progress.received + value.length > maxLength) throw new LengthMismatchError(path, maxLength, undefined);
      await sink.write(value);
      progress.received += value.length;
      onReceived?.(progress.received);
    }
  } finally {
    reader.releaseLock();
  }
}

function rangeHeaders({ received, tag }: Progress): Record<string, string> {
  return received > 0 && tag !== undefined ? { range: `bytes=${received}-`, 'if-range': tag } : {};
}

/** Whether the answer goes on where the last one broke off. */
function continues(response: FetchedResponse, { received, tag }: Progress): boolean {
  const [, start] = /^bytes (\d+)-\d+\/\d+$/.exec(response.headers.get('content-range') ?? '') ?? [];
  const same = tag === response.headers.get('etag');
  return response.status === 206 && received > 0 && Number(start) === received && same;
}

function checkStatus({ status }: FetchedResponse, path: string): void {
  if (status === 200 || status === 206) return;
  if (status === 403 || status === 404 || status === 410)
    throw new NotFoundError(path, new NetworkError(path, `status ${status}`));
  if (status >= 500 || status === 408 || status === 429) throw new NetworkError(path, `status ${status}`);
  throw new FinalNetworkError(path, `status ${status}`);
}

function asFailure(error: unknown, path: string, watch: Watch): unknown {
  if (watch.signal.aborted) return watch.signal.reason;
  const own = error instanceof NetworkError || error instanceof NotFoundError || error instanceof LengthMismatchError;
  return own ? error : new NetworkError(path, 'the connection failed or broke off', error);
}

const tooLate = ({ totalMs }: TransferLimits): string => `not complete after ${totalMs / 1000} s`;

/** Aborts an attempt that brings nothing, too little, or takes too long. */
class Watch {
  private readonly controller = new AbortController();
  private readonly timer: ReturnType<typeof setInterval>;
  private lastByte = performance.now();
  private windowStart = this.lastByte;
  private windowBytes = 0;

  constructor(path: string, limits: TransferLimits, deadline: number) {
    const check = (): void => {
      const problem = this.problem(limits, deadline);
      if (problem !== undefined) this.controller.abort(new FinalNetworkError(path, problem));
    };
    this.timer = setInterval(check, Math.max(1, Math.min(limits.idleMs, limits.rateWindowMs, limits.totalMs) / 4));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  received(bytes: number): void {
    this.lastByte = performance.now();
    this.windowBytes += bytes;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private problem(limits: TransferLimits, deadline: number): string | undefined {
    const now = performance.now();
    if (now > deadline) return tooLate(limits);
    if (now - this.lastByte > limits.idleMs) return `no data for ${limits.idleMs / 1000} s`;
    const elapsed = now - this.windowStart;
    if (elapsed < limits.rateWindowMs) return undefined;
    if (this.windowBytes < (elapsed / 1000) * limits.minimumBytesPerSecond) return 'the data comes too slowly';
    this.windowStart = now;
    this.windowBytes = 0;
    return undefined;
  }
}

function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(finish, milliseconds);
    function finish(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      if (signal?.aborted === true) reject(signal.reason);
      else resolve();
    }
    signal?.addEventListener('abort', finish);
  });
}

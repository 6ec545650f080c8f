import { PublishDelayedError } from '../errors.ts';
import { currentRequest, currentTrace } from '../request-context.ts';
import type { Trace } from '../tracing/tracer.ts';

/** A span carries no more links than this by default. */
const MOST_TRACES = 128;

interface Waiter {
  readonly resolve: (timestampVersion: number) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
  /** The request that waits, for the log. */
  readonly request: string | undefined;
  readonly trace: Trace | undefined;
}

/** Those who wait until a change is in signed metadata that everyone can fetch. */
export class Waiters {
  readonly #patienceMs: number;
  readonly #waiting = new Map<number, Waiter[]>();
  /** Changes are published in the order of their ids: all up to this one are. */
  #publishedUpTo = 0;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Resolves with the version of the timestamp that leads to the change. @throws PublishDelayedError when it takes too long */
  until(change: number, publishedNow: () => number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (change <= this.#publishedUpTo) return resolve(publishedNow());
      const timer = setTimeout(() => reject(new PublishDelayedError()), this.#patienceMs);
      const waiter = { resolve, reject, timer, request: currentRequest()?.id, trace: currentTrace() };
      const others = this.#waiting.get(change);
      if (others) others.push(waiter);
      else this.#waiting.set(change, [waiter]);
    });
  }

  /** The traces of those who wait for these changes, at most {@link MOST_TRACES}. */
  tracesOf(changes: readonly number[]): Trace[] {
    const waiters = changes.flatMap((change) => this.#waiting.get(change) ?? []);
    return waiters.flatMap(({ trace }) => trace ?? []).slice(0, MOST_TRACES);
  }

  /** All changes up to this one can be fetched now. @returns the requests that waited for it */
  published(upTo: number, timestampVersion: number): string[] {
    this.#publishedUpTo = Math.max(this.#publishedUpTo, upTo);
    return this.#end(upTo, ({ resolve }) => resolve(timestampVersion));
  }

  /** @returns the requests that waited */
  fail(error: Error): string[] {
    return this.#end(Number.POSITIVE_INFINITY, ({ reject }) => reject(error));
  }

  #end(upTo: number, tell: (waiter: Waiter) => void): string[] {
    const requests: string[] = [];
    for (const [change, waiters] of this.#waiting) {
      if (change > upTo) continue;
      this.#waiting.delete(change);
      for (const waiter of waiters) {
        clearTimeout(waiter.timer);
        if (waiter.request !== undefined) requests.push(waiter.request);
        tell(waiter);
      }
    }
    return requests;
  }
}

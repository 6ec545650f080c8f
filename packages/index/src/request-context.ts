import { AsyncLocalStorage } from 'node:async_hooks';
import type { Trace } from './tracing/tracer.ts';

/** What is known of a request wherever its work is done. */
export interface RequestContext {
  /** Sent as `X-Request-Id` and written to the log, so that a user's report leads to the log line. */
  readonly id: string;
  /** Whose token it brought, once that is known. */
  account?: string;
  /** The id of its trace, when it is traced. */
  traceId?: string;
}

const storage = new AsyncLocalStorage<{ readonly request?: RequestContext; readonly trace?: Trace }>();

/** Runs the work of a request. */
export function inRequest<T>(request: RequestContext, work: () => T): T {
  return storage.run({ request }, work);
}

/** Runs the work of a span. */
export function inTrace<T>(trace: Trace, work: () => T): T {
  return storage.run({ ...storage.getStore(), trace }, work);
}

/** Runs what many requests share, and what goes on after them: it belongs to none. */
export function outsideRequests<T>(work: () => T): T {
  return storage.exit(work);
}

/** The request whose work this is. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore()?.request;
}

/** The innermost span whose work this is. */
export function currentTrace(): Trace | undefined {
  return storage.getStore()?.trace;
}

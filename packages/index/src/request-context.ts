import { AsyncLocalStorage } from 'node:async_hooks';

/** What is known of a request wherever its work is done. */
export interface RequestContext {
  /** Sent as `X-Request-Id` and written to the log, so that a user's report leads to the log line. */
  readonly id: string;
  /** Whose token it brought, once that is known. */
  account?: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs the work of a request. */
export function inRequest<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/** Runs what many requests share, and what goes on after them: it belongs to none. */
export function outsideRequests<T>(work: () => T): T {
  return storage.exit(work);
}

/** The request whose work this is. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

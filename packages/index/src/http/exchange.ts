import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestContext } from '../request-context.ts';

/** One request and its answer, on the raw Node objects. */
export interface Exchange extends RequestContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The request target up to the query, as received: still percent-encoded, always starting with a slash. */
  readonly path: string;
}

/** Whether the answer carries a body; HEAD gets the same fields without one. */
export function wantsBody(exchange: Exchange): boolean {
  return exchange.request.method !== 'HEAD';
}

/** The path of a request target, without query and fragment; `undefined` for targets such as `*` or a full URL. */
export function requestPath(target: string | undefined): string | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined;
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

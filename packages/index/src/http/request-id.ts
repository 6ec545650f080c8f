import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** UUIDs, and the hexadecimal ids of proxies: a shape that holds no name, no token and nothing that a log reader interprets. */
const REQUEST_ID = /^[0-9a-f](?:-?[0-9a-f]){15,63}$/i;
/** W3C Trace Context, version 00: trace id, parent id, flags. Ids of zeros only are invalid there. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The id of each request: the one in `X-Request-Id`, or the trace id in `traceparent`, when a proxy in front gave it
 * one; else one of ours, unique across restarts and free of cost: a random start and a counter.
 */
export function requestIds(): (headers: IncomingHttpHeaders) => string {
  const prefix = randomBytes(6).toString('hex');
  let count = 0;
  return (headers) => {
    const given = headers['x-request-id'];
    if (typeof given === 'string' && given.length <= 64 && REQUEST_ID.test(given)) return given;
    const [, trace] = TRACEPARENT.exec(headers['traceparent']?.toString().slice(0, 64) ?? '') ?? [];
    return trace ?? `${prefix}-${((count += 1)).toString(36)}`;
  };
}

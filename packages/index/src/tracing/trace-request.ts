import { once } from 'node:events';
import { LEFT, routeOf } from '../http/access-log.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Tracer } from './tracer.ts';

/** Runs the work of a request as a span that ends with its answer; names as OpenTelemetry's conventions for HTTP have them. */
export function traceRequest(tracer: Tracer, exchange: Exchange, answer: () => Promise<void>): Promise<void> {
  const { request, response, path } = exchange;
  const method = request.method ?? '';
  const route = routeOf(path);
  const attributes = { 'http.request.method': method, 'http.route': route, 'holdfast.request_id': exchange.id };
  const traceparent = request.headers['traceparent']?.toString();
  return tracer.run({ name: `${method} ${route}`, kind: 'server', attributes, traceparent }, async (span) => {
    exchange.traceId = span.trace.traceId;
    const closed = response.closed ? undefined : once(response, 'close');
    await answer();
    await closed;
    const status = response.headersSent ? response.statusCode : LEFT;
    const failed = status >= 500 ? { 'error.type': String(status) } : {};
    span.set({ 'http.response.status_code': status, 'holdfast.account': exchange.account, ...failed });
  });
}

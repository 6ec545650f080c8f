import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Exchange } from './exchange.ts';

const ROUTES: ReadonlySet<string> = new Set([
  '/',
  '/api',
  '/files',
  '/healthz',
  '/readyz',
  '/feed',
  '/legacy',
  '/lookup',
  '/feed',
  '/metadata',
  '/simple',
  '/targets',
]);

/** Which part of the index a path asks for: one of few, so that metrics have few series. */
export function routeOf(path: string): string {
  const segment = /^\/[^/]*/.exec(path)?.[0] ?? '';
  return ROUTES.has(segment) ? segment : 'other';
}

/** The client left before an answer began, as proxies log it. */
export const LEFT = 499;

/** What an answer came to. */
export interface Answered {
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** Bytes of a connection that belong to requests before: much of a small one is read before anybody is told of it. */
const counted = new WeakMap<Socket, { readonly received: number; readonly sent: number }>();

/** Tells, when an exchange is over, what came of it, and writes its line of the log. */
export function noteWhenDone(exchange: Exchange, log: Logger, onAnswer?: (answered: Answered) => void): void {
  const { request, response, path } = exchange;
  const { socket } = request;
  const started = performance.now();
  response.once('close', () => {
    const seconds = (performance.now() - started) / 1000;
    const status = response.headersSent ? response.statusCode : LEFT;
    const route = routeOf(path);
    const before = counted.get(socket) ?? { received: 0, sent: 0 };
    const now = { received: socket.bytesRead, sent: socket.bytesWritten };
    counted.set(socket, now);
    onAnswer?.({ route, status, seconds });
    const level = levelOf(request.method, status);
    if (!log.isLevelEnabled(level)) return;
    log[level](
      {
        id: exchange.id,
        trace: exchange.traceId,
        account: exchange.account,
        method: request.method,
        route,
        path: path.slice(0, 500),
        status,
        received: now.received - before.received,
        sent: now.sent - before.sent,
        ms: Math.round(seconds * 1000),
        complete: response.writableFinished,
      },
      'request',
    );
  });
}

/** Reading is only for who wants to see it; what changes something is always told, and what failed stands out. */
function levelOf(method: string | undefined, status: number): 'debug' | 'info' | 'warn' {
  if (status >= 500) return 'warn';
  return method === 'GET' || method === 'HEAD' ? 'debug' : 'info';
}

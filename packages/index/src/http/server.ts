import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { type Logger, pino } from 'pino';
import type { CacheCounts } from '../byte-lru.ts';
import { IndexClosedError } from '../errors.ts';
import { inRequest } from '../request-context.ts';
import { traceRequest } from '../tracing/trace-request.ts';
import type { Tracer } from '../tracing/tracer.ts';
import { UploadEndpoint, type UploadLoad } from '../upload/endpoint.ts';
import { DEFAULT_UPLOAD_LIMITS, type UploadLimits } from '../upload/limits.ts';
import { type Step, unwatched, watchTraced, watchWith } from '../watch.ts';
import { INTERNAL, createApi } from './api.ts';
import { type Answered, noteWhenDone } from './access-log.ts';
import { type Exchange, requestPath } from './exchange.ts';
import { FeedFiles } from './feed.ts';
import { Lookups } from './lookup.ts';
import { MetadataFiles } from './metadata.ts';
import { problemOf } from './problem-of.ts';
import { requestIds } from './request-id.ts';
import { diskProbe } from './disk-probe.ts';
import { Readiness } from './health.ts';
import { type Routes, findHandler, problemSender } from './router.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import type { ServedIndex } from './served-index.ts';
import { SimplePages } from './simple.ts';

export interface ServerOptions {
  /** Address to listen on, for example `127.0.0.1` or `::`. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where people reach this index, when that is not the address it listens on. Without a slash at the end. */
  readonly publicUrl?: string;
  readonly uploads?: Partial<UploadLimits>;
  readonly clock?: () => Date;
  readonly logger?: Logger;
  /** Told of what operators want to see, such as the index's {@link Metrics}. */
  readonly observer?: ServerObserver;
  readonly tracer?: Tracer | undefined;
  /** Milliseconds in which the server is not ready and still answers, so that whoever sends requests to it can stop doing so. */
  readonly drainMs?: number;
  /** Milliseconds that requests under way may take to finish when the server closes. */
  readonly closeMs?: number;
}

export interface ServerObserver {
  answered(answered: Answered): void;
  step(step: Step, seconds: number, failed: boolean): void;
  cache(name: string, counts: CacheCounts): void;
  uploads(load: () => UploadLoad): void;
}

export interface RunningServer {
  /** `http://127.0.0.1:8080`, without a slash at the end. */
  readonly url: string;
  /** Stops being ready, after `drainMs` takes no more requests, lets those under way finish within `closeMs`, and ends the others. */
  close(): Promise<void>;
}

/** Bytes of a request's header fields; node answers 431 beyond. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Milliseconds to send the header fields, and silence on a connection after which it is closed. */
const HEADERS_MS = 15_000;
const SILENCE_MS = 120_000;
const KEEP_ALIVE_MS = 30_000;
const CLOSE_MS = 10_000;
/** Connections at a time. Idle ones cost little, but somebody can open many. */
const MAX_CONNECTIONS = 8192;

/**
 * Serves an index over HTTP. Addresses: `/simple/`, `/files/`, `/targets/`, `/metadata/`, `/lookup/`, `/feed/`, `/legacy/`, `/api/v1/`,
 * `/healthz`, `/readyz`, `/`. TLS is for the proxy in front. Resolves when the server listens; rejects when it cannot.
 */
export async function startServer(index: ServedIndex, options: ServerOptions): Promise<RunningServer> {
  const log = options.logger ?? pino({ level: 'silent' });
  const clock = options.clock ?? (() => new Date());
  const limits = { ...DEFAULT_UPLOAD_LIMITS, ...options.uploads };
  const watch = watchTraced(options.observer ? watchWith(options.observer) : unwatched, options.tracer);
  const stopping = new AbortController();
  let url = '';

  const routes: Routes = {
    index,
    simple: new SimplePages(index.catalog),
    metadata: new MetadataFiles(index.objects, index.metadata),
    lookups: new Lookups(index.metadata),
    feed: new FeedFiles(index.objects),
    upload: new UploadEndpoint(index, { limits, clock, stop: stopping.signal, watch }),
    stop: stopping.signal,
    onUpload: ({ file, outcome, timestampVersion }, { id }) =>
      log.info(
        { id, outcome, account: file.account, filename: file.filename, sha256: file.sha256, timestampVersion },
        'upload',
      ),
  };
  const disk = diskProbe(index.objects, limits.fileBytes);
  const readiness = new Readiness(() => [...index.probes, ['disk', disk]], log);
  const api = createApi(index, {
    readiness,
    url: () => options.publicUrl ?? url,
    onError: (error, id) => log.error({ id, err: error }, 'request failed'),
    onEvent: (event, facts) => log.info(facts, event),
  });
  observe(routes, options.observer);
  const serveApi = apiListener(api);
  const newId = requestIds();
  const underWay = new Set<ServerResponse>();
  let closing = false;

  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      // The whole of a request: an upload's own limits are tighter, everything else is small.
      requestTimeout: limits.waitMs + limits.totalMs + 60_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => {
      const id = newId(request.headers);
      const exchange: Exchange = { request, response, id, path: requestPath(request.url) ?? '*' };
      underWay.add(response);
      if (closing) response.shouldKeepAlive = false;
      response.once('close', () => underWay.delete(response));
      noteWhenDone(exchange, log, (answered) => options.observer?.answered(answered));
      const handler = findHandler(routes, exchange.path);
      const answer = (): Promise<void> =>
        (handler === undefined ? serveApi(exchange) : handler(exchange)).catch((error: unknown) =>
          answerError(exchange, error, log),
        );
      void inRequest(exchange, () => (options.tracer ? traceRequest(options.tracer, exchange, answer) : answer()));
    },
  );
  server.setTimeout(SILENCE_MS);
  server.maxConnections = MAX_CONNECTIONS;
  url = await listen(server, options);
  return {
    url,
    close: async () => {
      readiness.stop();
      // Otherwise a connection stays open after its last answer, and the server with it.
      closing = true;
      for (const response of underWay) response.shouldKeepAlive = false;
      if (options.drainMs) await wait(options.drainMs);
      await close(server, stopping, options.closeMs ?? CLOSE_MS);
    },
  };
}

function observe({ simple, metadata, lookups, feed, upload }: Routes, observer: ServerObserver | undefined): void {
  for (const [name, { counts }] of Object.entries({ simple, metadata, lookup: lookups, feed }))
    observer?.cache(name, counts);
  observer?.uploads(() => upload.load);
}

/** Hands an exchange to the API, with the fields that every answer carries. */
function apiListener(api: ReturnType<typeof createApi>): (exchange: Exchange) => Promise<void> {
  const ids = new WeakMap<ServerResponse, string>();
  const listener = getRequestListener(
    (request, bindings) => {
      const { incoming, outgoing } = bindings as { incoming: IncomingMessage; outgoing: ServerResponse };
      return api.fetch(request, { incoming, outgoing, requestId: ids.get(outgoing) ?? '' });
    },
    { overrideGlobalObjects: false },
  );
  return async ({ request, response, id }) => {
    ids.set(response, id);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    response.setHeader('X-Request-Id', id);
    await listener(request, response);
  };
}

/** Tells the client what it may know; everything else goes to the log under the request's id. */
function answerError(exchange: Exchange, error: unknown, log: Logger): void {
  const { response, id } = exchange;
  const problem = problemOf(error);
  // The answer had begun: a client that went away, or a disk that failed. Only a cut connection can say so.
  if (response.headersSent || response.destroyed) {
    if (problem === undefined && !isDisconnect(error)) log.error({ id, err: error }, 'answer broken off');
    response.destroy();
    return;
  }
  if (problem === undefined) log.error({ id, err: error }, 'request failed');
  // The client is told to come again; why is for the log.
  else if (problem.status >= 500) log.warn({ id, err: error, account: exchange.account }, 'request put off');
  problemSender(exchange.path)(exchange, problem ?? INTERNAL);
}

function isDisconnect(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ABORT_ERR';
}

function listen(server: Server, { host, port }: ServerOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const { address, family, port: actual } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`);
    });
  });
}

async function close(server: Server, stopping: AbortController, closeMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const stop = setTimeout(() => stopping.abort(new IndexClosedError()), closeMs);
  const end = setTimeout(() => server.closeAllConnections(), closeMs + 1000);
  await closed;
  clearTimeout(stop);
  clearTimeout(end);
}

import { sendUploadProblem, type UploadEndpoint, type UploadOutcome } from '../upload/endpoint.ts';
import { sendBlob } from './blob.ts';
import type { Exchange } from './exchange.ts';
import type { FeedFiles } from './feed.ts';
import { blobOf } from './files.ts';
import { type Problem, methodNotAllowed, notFound } from './http-error.ts';
import type { Lookups } from './lookup.ts';
import type { MetadataFiles } from './metadata.ts';
import { sendProblem, sendRedirect } from './reply.ts';
import type { ServedIndex } from './served-index.ts';
import type { SimplePages } from './simple.ts';

export interface Routes {
  readonly index: ServedIndex;
  readonly simple: SimplePages;
  readonly metadata: MetadataFiles;
  readonly lookups: Lookups;
  readonly feed: FeedFiles;
  readonly upload: UploadEndpoint;
  /** Ends transfers when the server stops. */
  readonly stop: AbortSignal;
  readonly onUpload: (outcome: UploadOutcome, exchange: Exchange) => void;
}

/** Answers one request, or throws what `problemOf` understands. */
export type Handler = (exchange: Exchange) => Promise<void>;

/**
 * Who answers what, on the raw Node response: bytes, pages and uploads. `undefined` leaves the request to the API. The
 * first path segment decides, so that the table reads like the list of addresses in the documentation.
 */
export function findHandler(routes: Routes, path: string): Handler | undefined {
  const end = path.indexOf('/', 1);
  switch (end === -1 ? path : path.slice(0, end)) {
    case '/simple':
      return readOnly((exchange) => routes.simple.send(exchange));
    case '/files':
    case '/targets':
      return readOnly((exchange) => sendFile(routes, exchange));
    case '/metadata':
      return readOnly((exchange) => routes.metadata.send(exchange));
    case '/lookup':
      return readOnly((exchange) => routes.lookups.send(exchange));
    case '/feed':
      return readOnly((exchange) => routes.feed.send(exchange));
    case '/legacy':
      return (exchange) => receiveUpload(routes, exchange);
    default:
      return undefined;
  }
}

/** How a problem is told on this path. */
export function problemSender(path: string): (exchange: Exchange, problem: Problem) => void {
  return path.startsWith('/legacy') ? sendUploadProblem : sendProblem;
}

function readOnly(handler: Handler): Handler {
  return async (exchange) => {
    const { method } = exchange.request;
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed('GET, HEAD');
    return handler(exchange);
  };
}

async function sendFile(routes: Routes, exchange: Exchange): Promise<void> {
  const blob = blobOf(exchange.path);
  if (blob === undefined) throw notFound('This file');
  await sendBlob(exchange, routes.index, blob, routes.stop);
}

async function receiveUpload(routes: Routes, exchange: Exchange): Promise<void> {
  if (exchange.path === '/legacy') return sendRedirect(exchange, 308, '/legacy/');
  if (exchange.path !== '/legacy/') throw notFound('This address');
  routes.onUpload(await routes.upload.handle(exchange), exchange);
}

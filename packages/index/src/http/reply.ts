import type { OutgoingHttpHeaders } from 'node:http';
import { type Exchange, wantsBody } from './exchange.ts';
import type { Problem } from './http-error.ts';
import { bodyPending, linger } from './linger.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Sends a whole body from memory. Content-Length is set; HEAD gets the fields only. */
export function sendBody(exchange: Exchange, status: number, headers: OutgoingHttpHeaders, body: Uint8Array): void {
  writeHead(exchange, status, { ...headers, 'Content-Length': body.length });
  if (wantsBody(exchange)) exchange.response.end(body);
  else exchange.response.end();
}

/** The same for a body in pieces, which are not put together first. */
export function sendPieces(
  exchange: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
  pieces: readonly Uint8Array[],
): void {
  const { response } = exchange;
  writeHead(exchange, status, { ...headers, 'Content-Length': pieces.reduce((sum, { length }) => sum + length, 0) });
  // All of it in one packet, where it fits.
  response.cork();
  if (wantsBody(exchange)) for (const piece of pieces) response.write(piece);
  response.end();
  response.uncork();
}

/** Writes status line and fields, with those that every answer carries. */
export function writeHead(exchange: Exchange, status: number, headers: OutgoingHttpHeaders): void {
  exchange.response.writeHead(status, { ...SECURITY_HEADERS, 'X-Request-Id': exchange.id, ...headers });
}

/** 304: the client's copy is good (RFC 9110 §15.4.5). */
export function sendNotModified(exchange: Exchange, headers: OutgoingHttpHeaders): void {
  writeHead(exchange, 304, headers);
  exchange.response.end();
}

/** A redirect to a path on this server. */
export function sendRedirect(exchange: Exchange, status: 301 | 308, location: string): void {
  writeHead(exchange, status, { Location: location, 'Content-Length': 0 });
  exchange.response.end();
}

/**
 * Says what went wrong, in the reason phrase too: twine shows nothing else. Programs that accept JSON get RFC 9457,
 * everyone else one sentence of text.
 */
export function sendProblem(exchange: Exchange, problem: Problem): void {
  const json = /\bapplication\/(?:problem\+)?json\b/.test(exchange.request.headers.accept ?? '');
  const type = json ? 'application/problem+json' : 'text/plain; charset=utf-8';
  sendProblemAs(exchange, problem, type, json ? problemJson(problem, exchange.id) : `${problem.message}\n`);
}

/** The same with a body in the caller's words. A request that is still being sent is heard to its end, within bounds. */
export function sendProblemAs(exchange: Exchange, problem: Problem, contentType: string, text: string): void {
  const { request, response } = exchange;
  const body = Buffer.from(text);
  response.statusMessage = reasonPhrase(problem.message);
  const headers: OutgoingHttpHeaders = {
    'Content-Type': contentType,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    ...problem.headers,
  };
  if (!bodyPending(request)) {
    writeHead(exchange, problem.status, headers);
    response.end(wantsBody(exchange) ? body : undefined);
    return;
  }
  writeHead(exchange, problem.status, { ...headers, Connection: 'close' });
  response.write(body);
  void linger(request).then(() => response.end());
}

/** A problem as RFC 9457 writes it. `type` stays `about:blank`: `code` is the stable name. */
export function problemJson(problem: Problem, requestId: string): string {
  const { status, code, message } = problem;
  return JSON.stringify({ type: 'about:blank', title: message, status, code, detail: message, request_id: requestId });
}

/** A message as a reason phrase (RFC 9112 §4): printable ASCII on one line, short enough for any client. */
export function reasonPhrase(message: string): string {
  return message.replaceAll(/[^\x20-\x7e]+/g, '?').slice(0, 400);
}

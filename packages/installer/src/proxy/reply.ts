import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { VerifiedFile } from '../store/file-store.ts';
import { matchesEtag, parseRange } from './range.ts';

/** Something small to send: a page, a METADATA file. */
export interface Document {
  readonly body: Uint8Array;
  readonly contentType: string;
  /** With its quotes. */
  readonly etag: string;
  readonly immutable: boolean;
}

const cacheControl = (immutable: boolean): string => (immutable ? 'max-age=31536000, immutable' : 'no-cache');

/** Sends a document, or 304 when the client holds it. */
export function sendDocument(request: IncomingMessage, response: ServerResponse, document: Document): void {
  response.setHeader('etag', document.etag);
  response.setHeader('cache-control', cacheControl(document.immutable));
  if (!document.immutable) response.setHeader('vary', 'Accept');
  if (matchesEtag(request.headers['if-none-match'], document.etag)) return void response.writeHead(304).end();
  response.writeHead(200, { 'content-type': document.contentType, 'content-length': document.body.length });
  response.end(request.method === 'HEAD' ? undefined : document.body);
}

/**
 * Sends a distribution file or a range of it. `open` verifies it completely and runs only when bytes are really needed:
 * length and hash for HEAD and 304 come from signed metadata.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: { readonly sha256: string; readonly size: number; open(): Promise<VerifiedFile> },
): Promise<void> {
  const etag = `"${file.sha256}"`;
  const { range: wanted, 'if-none-match': ifNoneMatch } = request.headers;
  const ifRange = request.headersDistinct['if-range']?.join();
  const common = { etag, 'cache-control': cacheControl(true), 'accept-ranges': 'bytes' };
  if (matchesEtag(ifNoneMatch, etag)) return void response.writeHead(304, common).end();
  const headers = { ...common, 'content-type': 'application/octet-stream' };
  if (request.method === 'HEAD') return void response.writeHead(200, { ...headers, 'content-length': file.size }).end();
  const range = parseRange(wanted, ifRange, etag, file.size);
  if (range === 'unsatisfiable')
    return void response.writeHead(416, { ...common, 'content-range': `bytes */${file.size}` }).end();
  const verified = await file.open();
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  const length = { 'content-length': end - start + 1 };
  if (range) response.writeHead(206, { ...headers, ...length, 'content-range': `bytes ${start}-${end}/${file.size}` });
  else response.writeHead(200, { ...headers, ...length });
  try {
    if (file.size === 0) return void response.end();
    await pipeline(
      verified.handle.createReadStream({ start, end, autoClose: false, highWaterMark: 1 << 18 }),
      response,
    );
  } finally {
    await verified.handle.close();
  }
}

/** The text that pip shows (the reason phrase) and that uv shows (RFC 9457 detail). */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  title: string,
  detail: string,
): void {
  if (response.headersSent) return void response.destroy();
  const body = Buffer.from(`${JSON.stringify({ title, status, detail }, undefined, 2)}\n`);
  response.statusMessage = reasonPhrase(title);
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** A reason phrase holds printable ASCII on one line. */
export const reasonPhrase = (text: string): string => text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200);

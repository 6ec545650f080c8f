import type { OutgoingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ObjectStore } from '../objects/object-store.ts';
import { sendElsewhere, type Whereabouts } from './elsewhere.ts';
import { matchesEtag } from './etag.ts';
import { type Exchange, wantsBody } from './exchange.ts';
import { parseRange, rangeApplies } from './range.ts';
import { sendNotModified, writeHead } from './reply.ts';
import { OPEN_TO_ALL } from './security-headers.ts';

/** An immutable object and what names its content. */
export interface Blob {
  readonly key: string;
  /** Strong, and different for different bytes under one URL: there are none, for the hash is in the URL. */
  readonly etag: string;
}

/** Far longer than any copy lives: the bytes under a URL with their hash in it never change. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

/**
 * Streams an object to the client: GET, HEAD, one range (206/416), If-Range, If-None-Match. Never with a content coding:
 * installers hash and resume what they receive. What is not in the store may be elsewhere; else it
 * throws `HttpError` 404.
 */
export async function sendBlob(
  exchange: Exchange,
  { objects, catalog }: { readonly objects: ObjectStore; readonly catalog: Whereabouts },
  blob: Blob,
  stop: AbortSignal,
): Promise<void> {
  const object = await objects.open(blob.key);
  if (object === undefined) return sendElsewhere(exchange, blob, catalog);
  try {
    const { headers } = exchange.request;
    const fields: OutgoingHttpHeaders = { ...OPEN_TO_ALL, ETag: blob.etag, 'Cache-Control': IMMUTABLE };
    if (matchesEtag(headers['if-none-match'], blob.etag)) return sendNotModified(exchange, fields);
    fields['Accept-Ranges'] = 'bytes';
    const range = rangeApplies(first(headers['if-range']), blob.etag)
      ? parseRange(headers.range, object.size)
      : 'whole';
    if (range === 'unsatisfiable') {
      writeHead(exchange, 416, { ...fields, 'Content-Range': `bytes */${object.size}`, 'Content-Length': 0 });
      exchange.response.end();
      return;
    }
    fields['Content-Type'] = 'application/octet-stream';
    if (range === 'whole') {
      writeHead(exchange, 200, { ...fields, 'Content-Length': object.size });
    } else {
      fields['Content-Range'] = `bytes ${range.start}-${range.end}/${object.size}`;
      writeHead(exchange, 206, { ...fields, 'Content-Length': range.end - range.start + 1 });
    }
    if (!wantsBody(exchange) || object.size === 0) exchange.response.end();
    else await pipeline(object.stream(range === 'whole' ? undefined : range), exchange.response, { signal: stop });
  } finally {
    object.close();
  }
}

/** The field's only value; Node's types allow a list. */
function first(field: string | readonly string[] | undefined): string | undefined {
  return typeof field === 'object' ? field[0] : field;
}

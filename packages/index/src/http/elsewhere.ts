import type { Blob } from './blob.ts';
import type { Exchange } from './exchange.ts';
import { HttpError, notFound } from './http-error.ts';
import { writeHead } from './reply.ts';
import { OPEN_TO_ALL } from './security-headers.ts';

/** What knows where the bytes of listed files are. */
export interface Whereabouts {
  /** An address; empty when nobody knows one; `undefined` for a file that is not listed with this hash, or was stored here. */
  locationOf(filename: string, sha256: string): Promise<string | undefined>;
}

const METADATA = '.metadata';

/**
 * Answers for a file that is not in the object store: an imported one may be elsewhere (302). Whoever follows compares what
 * comes with signed metadata. The answer is not kept: the bytes may be brought in at any time.
 */
export async function sendElsewhere(exchange: Exchange, { key }: Blob, catalog: Whereabouts): Promise<void> {
  const [, sha256 = '', named = ''] = /\/([0-9a-f]{64})\.([^/]+)$/.exec(key) ?? [];
  const isMetadata = named.endsWith(METADATA);
  const filename = isMetadata ? named.slice(0, -METADATA.length) : named;
  const location = await catalog.locationOf(filename, sha256);
  if (location === undefined) throw notFound('This file');
  if (location === '') {
    const message = `${filename} was imported without its bytes, and this index does not know where they are. Upload the file to bring them in.`;
    throw new HttpError({ status: 404, code: 'FILE_ELSEWHERE', message });
  }
  const to = location + encodeURIComponent(filename) + (isMetadata ? METADATA : '');
  writeHead(exchange, 302, { ...OPEN_TO_ALL, Location: to, 'Cache-Control': 'no-store', 'Content-Length': 0 });
  exchange.response.end();
}

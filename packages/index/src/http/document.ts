import { hash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { compress } from './compress.ts';
import { type ContentEncoding, negotiateEncoding } from './content-encoding.ts';
import { matchesEtag, strongEtag } from './etag.ts';
import type { Exchange } from './exchange.ts';
import { sendBody, sendNotModified } from './reply.ts';

/** Below this many bytes compression saves nothing that fits into one packet less. */
const WORTH_COMPRESSING = 1024;
/** Bytes of a document beside its contents, about: with two forms and a key of the cache. */
const OVERHEAD = 3072;

interface Variant {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly encoding: ContentEncoding | 'dcz' | undefined;
}

/** The same content in a form that only who has the dictionary can read. */
export interface DictionaryForm {
  readonly encoding: 'dcz';
  /** SHA-256 in hex. */
  readonly dictionary: string;
  readonly body: Uint8Array;
}

/**
 * A text that is served often: held with its hash and, once asked for, in compressed form. Each form is a representation
 * of its own with a strong tag of its own (RFC 9110 §8.8.3.3). The names never change with the form (P16).
 */
export class Document {
  readonly #plain: Variant;
  readonly #headers: OutgoingHttpHeaders;
  readonly #variants = new Map<ContentEncoding, Promise<Variant>>();

  /** `headers` go with every answer; `Vary` must name `Accept-Encoding`. */
  constructor(body: Uint8Array, headers: OutgoingHttpHeaders) {
    this.#plain = { body, etag: strongEtag(hash('sha256', body)), encoding: undefined };
    this.#headers = headers;
  }

  /** What the document costs a cache: twice its size, for the compressed forms that may come, and what is around them. */
  get cost(): number {
    return this.#plain.body.length * 2 + OVERHEAD;
  }

  /** Answers GET and HEAD, with 304 where the client's copy is good. `form` goes before what is negotiated otherwise. */
  async send(exchange: Exchange, form?: DictionaryForm): Promise<void> {
    const { headers } = exchange.request;
    const variant = form ? this.#taggedForm(form) : await this.#negotiated(headers['accept-encoding']);
    const fields: OutgoingHttpHeaders = { ...this.#headers, ETag: variant.etag };
    if (matchesEtag(headers['if-none-match'], variant.etag)) return sendNotModified(exchange, fields);
    if (variant.encoding !== undefined) fields['Content-Encoding'] = variant.encoding;
    sendBody(exchange, 200, fields, variant.body);
  }

  #taggedForm({ body, encoding, dictionary }: DictionaryForm): Variant {
    return { body, encoding, etag: strongEtag(`${this.#plain.etag.slice(1, -1)}-${encoding}-${dictionary}`) };
  }

  #negotiated(header: string | undefined): Variant | Promise<Variant> {
    const encoding = negotiateEncoding(header, this.#plain.body.length);
    return encoding === undefined ? this.#plain : this.#variant(encoding);
  }

  #variant(encoding: ContentEncoding): Promise<Variant> {
    if (this.#plain.body.length < WORTH_COMPRESSING) return Promise.resolve(this.#plain);
    let variant = this.#variants.get(encoding);
    if (variant === undefined) {
      variant = makeVariant(this.#plain, encoding);
      this.#variants.set(encoding, variant);
    }
    return variant;
  }
}

async function makeVariant(plain: Variant, encoding: ContentEncoding): Promise<Variant> {
  const body = await compress(plain.body, encoding);
  if (body.length >= plain.body.length) return plain;
  return { body, etag: strongEtag(`${plain.etag.slice(1, -1)}-${encoding}`), encoding };
}

import type { OutgoingHttpHeaders } from 'node:http';
import type { ObjectStore } from '../objects/object-store.ts';
import { ByteLru, type CacheCounts } from '../byte-lru.ts';
import { dczBody, offeredDictionary, usableFor } from './dictionary-coding.ts';
import { type DictionaryForm, Document } from './document.ts';
import type { Exchange } from './exchange.ts';
import { notFound } from './http-error.ts';
import { OPEN_TO_ALL } from './security-headers.ts';
import type { ServedIndex } from './served-index.ts';

/** Bytes of metadata that are kept in memory, compressed forms included. */
const CACHE_BYTES = 32 * 2 ** 20;

/** No role's metadata is larger; a larger object is damage or an attack, and must not fill the memory. */
const MAX_METADATA = 64 * 2 ** 20;

/**
 * `<N>.<role>.json` or `<role>.json`, role names as the snapshot lists them; rotate files (TAP 8) have their number at the end. The
 * longest is that of a project of 128 characters that delegates three deep.
 */
const METADATA_PATH =
  /^\/metadata\/(?:(?:(\d{1,10})\.)?([a-z][a-z0-9._-]{0,300})|(rotate\/project\.[a-z0-9._-]{1,200}\.rotate\.\d{1,9}))\.json$/;

/**
 * TUF metadata (§5, consistent snapshots). A versioned name never changes its content and is immutable for caches;
 * `timestamp.json` and every other plain name mean the newest version and must be asked for each time. Compressed in
 * transfer when asked for, under the same names (P16).
 */
export class MetadataFiles {
  readonly #objects: ObjectStore;
  readonly #metadata: ServedIndex['metadata'];
  readonly #versioned = new ByteLru<Document>(CACHE_BYTES);
  /** One that is too large to be kept beside others: the flat snapshot of a large index, which plain clients all ask for. */
  #large: { readonly key: string; readonly document: Document } | undefined;
  /** By the bytes themselves: a new version comes as new bytes. */
  readonly #newest = new WeakMap<Uint8Array, Document>();

  constructor(objects: ObjectStore, metadata: ServedIndex['metadata']) {
    this.#objects = objects;
    this.#metadata = metadata;
  }

  get counts(): CacheCounts {
    return this.#versioned.counts;
  }

  /** Answers a path that starts with `/metadata/`. */
  async send(exchange: Exchange): Promise<void> {
    const [, version, plain, rotation] = METADATA_PATH.exec(exchange.path) ?? [];
    const role = plain ?? rotation;
    if (role === undefined) throw notFound('This metadata file');
    const document = version === undefined ? await this.#newestOf(role) : await this.#version(version, role);
    if (document === undefined) throw notFound(`Metadata ${exchange.path.slice('/metadata/'.length)}`);
    await document.send(
      exchange,
      version === undefined ? undefined : await this.#form(exchange, role, Number(version)),
    );
  }

  async #version(version: string, role: string): Promise<Document | undefined> {
    const key = `metadata/${version}.${role}.json`;
    const kept = this.#large?.key === key ? this.#large.document : this.#versioned.get(key);
    if (kept !== undefined) return kept;
    const bytes = await this.#objects.get(key, { maxLength: MAX_METADATA });
    if (bytes === undefined) return undefined;
    const document = metadataDocument(bytes, {
      'Cache-Control': 'public, max-age=31536000, immutable',
      ...dictionaryFields(role),
    });
    if (document.cost > CACHE_BYTES) this.#large = { key, document };
    else this.#versioned.set(key, document, document.cost);
    return document;
  }

  /** Against the version that the client has, when it says that it has one (RFC 9842). */
  async #form({ request }: Exchange, role: string, version: number): Promise<DictionaryForm | undefined> {
    const dictionary = offeredDictionary(request.headers);
    const delta = dictionary && (await this.#metadata.delta(role, version, dictionary));
    return delta ? { encoding: 'dcz', dictionary, body: dczBody(dictionary, delta) } : undefined;
  }

  async #newestOf(role: string): Promise<Document | undefined> {
    const bytes = await this.#metadata.newest(role);
    if (bytes === undefined) return undefined;
    const kept = this.#newest.get(bytes);
    if (kept !== undefined) return kept;
    const document = metadataDocument(bytes, { 'Cache-Control': 'no-cache', Vary: 'Accept-Encoding' });
    this.#newest.set(bytes, document);
    return document;
  }
}

/** A root is small and changes altogether. */
function dictionaryFields(role: string): OutgoingHttpHeaders {
  if (role === 'root') return { Vary: 'Accept-Encoding' };
  return { Vary: 'Accept-Encoding, Available-Dictionary', 'Use-As-Dictionary': usableFor(role) };
}

function metadataDocument(bytes: Uint8Array, fields: OutgoingHttpHeaders): Document {
  return new Document(bytes, {
    ...OPEN_TO_ALL,
    'Content-Type': 'application/json',
    ...fields,
  });
}

import { MAX_PART_BYTES } from '@holdfast/trust';
import { ByteLru, type CacheCounts } from '../byte-lru.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { Document } from './document.ts';
import type { Exchange } from './exchange.ts';
import { notFound } from './http-error.ts';
import { OPEN_TO_ALL } from './security-headers.ts';

/** Bytes of chunks that are kept in memory, compressed forms included: every follower asks for the newest. */
const CACHE_BYTES = 32 * 2 ** 20;

/** `feed/<level>/<last version>.<part>`, each number in its one spelling, so that caches hold each part once. */
const PATH = /^\/(feed\/(?:\d|1[0-4])\/(?:0|[1-9]\d{0,15})\.(?:0|[1-9]\d{0,2}))$/;

/** The change feed (docs/formats/change-feed.md): immutable objects, the same for everyone, compressed in transfer when asked for. */
export class FeedFiles {
  readonly #objects: ObjectStore;
  readonly #cache = new ByteLru<Document>(CACHE_BYTES);

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  get counts(): CacheCounts {
    return this.#cache.counts;
  }

  /** Answers a path that starts with `/feed/`. */
  async send(exchange: Exchange): Promise<void> {
    const [, key] = PATH.exec(exchange.path) ?? [];
    const document = key === undefined ? undefined : (this.#cache.get(key) ?? (await this.#read(key)));
    if (document === undefined) throw notFound('This part of the change feed');
    await document.send(exchange);
  }

  async #read(key: string): Promise<Document | undefined> {
    const bytes = await this.#objects.get(key, { maxLength: MAX_PART_BYTES });
    if (bytes === undefined) return undefined;
    const document = new Document(bytes, {
      ...OPEN_TO_ALL,
      'Content-Type': 'application/vnd.holdfast.feed',
      'Cache-Control': 'public, max-age=31536000, immutable',
      Vary: 'Accept-Encoding',
    });
    this.#cache.set(key, document, document.cost);
    return document;
  }
}

import {
  type ProjectName,
  negotiateSimpleFormat,
  normalizeName,
  renderProjectHtml,
  renderProjectJson,
  renderRootHtml,
  renderRootJson,
} from '@holdfast/python-index';
import { ByteLru, type CacheCounts } from '../byte-lru.ts';
import { Document } from './document.ts';
import type { Exchange } from './exchange.ts';
import { notFound } from './http-error.ts';
import { sendRedirect } from './reply.ts';
import { OPEN_TO_ALL } from './security-headers.ts';
import type { ServedIndex } from './served-index.ts';

/** Bytes of rendered pages that are kept, compressed forms included. */
const CACHE_BYTES = 64 * 2 ** 20;

type Format = 'json' | 'html';

interface Entry {
  readonly revision: number;
  readonly document: Promise<Document | undefined>;
}

/**
 * `/simple/` and `/simple/<name>/` (PEP 503, 691). Pages are rendered when asked for and kept until something that they
 * show is published. Clients may keep them too but must ask each time (`no-cache` and a strong tag): who uploads a file finds it
 * at once, and who asks again for what did not change gets 304.
 */
export class SimplePages {
  readonly #catalog: ServedIndex['catalog'];
  readonly #cache = new ByteLru<Entry>(CACHE_BYTES);
  readonly #rendering = new Map<string, Entry>();

  constructor(catalog: ServedIndex['catalog']) {
    this.#catalog = catalog;
  }

  get counts(): CacheCounts {
    return this.#cache.counts;
  }

  /** Answers a path that starts with `/simple`. */
  async send(exchange: Exchange): Promise<void> {
    const { path } = exchange;
    if (path === '/simple/') return this.#sendPage(exchange, undefined);
    if (path === '/simple') return sendRedirect(exchange, 301, '/simple/');
    const match = /^\/simple\/([^/]{1,300})(\/?)$/.exec(path);
    const name = match === null ? undefined : projectName(match[1] ?? '');
    if (match === null || name === undefined) throw notFound('This page');
    const canonical = `/simple/${name}/`;
    if (path !== canonical) return sendRedirect(exchange, 301, canonical);
    return this.#sendPage(exchange, name);
  }

  async #sendPage(exchange: Exchange, name: ProjectName | undefined): Promise<void> {
    const { format, contentType } = negotiateSimpleFormat(exchange.request.headers.accept);
    const document = await this.#page(name, format, contentType);
    if (document === undefined) throw notFound(`The project ${name ?? ''}`);
    await document.send(exchange);
  }

  /** From the cache, or rendered once however many ask for it. */
  #page(name: ProjectName | undefined, format: Format, contentType: string): Promise<Document | undefined> {
    const key = `${contentType} ${name ?? ''}`;
    const revision = this.#catalog.revision(name);
    for (const entry of [this.#cache.get(key), this.#rendering.get(key)]) {
      if (entry?.revision === revision) return entry.document;
    }
    const entry = { revision, document: this.#render(name, format, contentType) };
    this.#rendering.set(key, entry);
    void entry.document
      .then((document) => document && this.#cache.set(key, entry, document.cost))
      .catch(() => undefined) // reported by the request that waits for it
      .finally(() => this.#rendering.get(key) === entry && this.#rendering.delete(key));
    return entry.document;
  }

  async #render(name: ProjectName | undefined, format: Format, contentType: string): Promise<Document | undefined> {
    const text = name === undefined ? await this.#renderRoot(format) : await this.#renderProject(name, format);
    if (text === undefined) return undefined;
    return new Document(Buffer.from(text), {
      ...OPEN_TO_ALL,
      'Content-Type': contentType,
      'Cache-Control': 'no-cache',
      Vary: 'Accept, Accept-Encoding',
    });
  }

  async #renderRoot(format: Format): Promise<string> {
    const names = await this.#catalog.projectNames();
    return format === 'json' ? renderRootJson(names) : renderRootHtml(names);
  }

  async #renderProject(name: ProjectName, format: Format): Promise<string | undefined> {
    const page = await this.#catalog.projectPage(name);
    if (page === undefined) return undefined;
    return format === 'json' ? renderProjectJson(page) : renderProjectHtml(page);
  }
}

/** The normalized name that a path segment means, or `undefined` when it is not a project name. */
function projectName(segment: string): ProjectName | undefined {
  try {
    return normalizeName(decodeURIComponent(segment));
  } catch {
    return undefined;
  }
}

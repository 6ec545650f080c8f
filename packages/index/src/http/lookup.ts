import { asProjectName, type ProjectName } from '@holdfast/python-index';
import { encodeLookup, readAsker } from '@holdfast/trust';
import { ByteLru, type CacheCounts } from '../byte-lru.ts';
import { Document } from './document.ts';
import type { Exchange } from './exchange.ts';
import { HttpError, notFound } from './http-error.ts';
import { OPEN_TO_ALL } from './security-headers.ts';
import type { ServedIndex } from './served-index.ts';

/** Bytes of answers that are kept, compressed forms included: many ask for the same project of one snapshot. */
const CACHE_BYTES = 32 * 2 ** 20;

const PATH = /^\/lookup\/([0-9a-f]{64})\/([a-z0-9-]{1,300})$/;

/** `/lookup/<root hash>/<project>` (docs/formats/lookup.md): a project's roles of one snapshot, with their proof, in one answer. */
export class Lookups {
  readonly #metadata: ServedIndex['metadata'];
  readonly #cache = new ByteLru<Document>(CACHE_BYTES);

  constructor(metadata: ServedIndex['metadata']) {
    this.#metadata = metadata;
  }

  get counts(): CacheCounts {
    return this.#cache.counts;
  }

  /** Answers a path that starts with `/lookup/`. */
  async send(exchange: Exchange): Promise<void> {
    const [, root = '', name = ''] = PATH.exec(exchange.path) ?? [];
    // Only the canonical name has an address, so that caches hold each answer once.
    const project = asProjectName(name);
    if (project === undefined) throw notFound('This address');
    const query = exchange.request.url?.slice(exchange.path.length) ?? '';
    const asker = readAsker(query);
    if (asker === undefined) throw notFound('This address');
    const key = `${root}/${project}${query}`;
    const kept = this.#cache.get(key);
    if (kept) return kept.send(exchange);
    const document = await this.#answer(root, project, new Set(asker.have));
    this.#cache.set(key, document, document.cost);
    await document.send(exchange);
  }

  async #answer(root: string, project: ProjectName, have: ReadonlySet<string>): Promise<Document> {
    const lookup = this.#metadata.lookup(root, project);
    if (lookup === undefined) throw snapshotGone();
    const wanted = new Map(lookup.roles.map((role) => [role.sha256, role]));
    const files = [...wanted.values()].filter(({ sha256 }) => !have.has(sha256.slice(0, 8)));
    const body = encodeLookup({
      proof: lookup.proof,
      files: await Promise.all(files.map(async (role) => ({ bytes: await role.read() }))),
    });
    return new Document(body, {
      ...OPEN_TO_ALL,
      'Content-Type': 'application/vnd.holdfast.lookup',
      'Cache-Control': 'public, max-age=86400, immutable',
      Vary: 'Accept-Encoding',
    });
  }
}

function snapshotGone(): HttpError {
  return new HttpError({
    // Not 404: that is what a mirror without lookups answers.
    status: 410,
    code: 'SNAPSHOT_GONE',
    message: 'This index does not keep that snapshot any more. Fetch the timestamp again.',
  });
}

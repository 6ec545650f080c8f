import { asProjectName } from '@holdfast/python-index';
import { encodeLookup, readAsker, type SentFile } from '@holdfast/trust';
import { ByteLru, type CacheCounts } from '../byte-lru.ts';
import type { Dictionary } from '../deltas.ts';
import type { ProjectLookup, RoleFile } from '../metadata.ts';
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
  readonly #making = new Map<string, Promise<Document>>();

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
    const asker = readAsker(exchange.request.url?.slice(exchange.path.length) ?? '');
    if (asker === undefined) throw notFound('This address');
    const lookup = this.#metadata.lookup(root, project);
    if (lookup === undefined) throw snapshotGone();
    const files = await chosenFiles(lookup, asker);
    // By what is sent, not by what was asked: names of files that nobody holds fill no cache.
    const sent = files.map(({ file, dictionary }) => `${file.sha256}-${dictionary?.version ?? ''}`);
    const key = [root, project, ...sent].join('/');
    const document = this.#cache.get(key) ?? (await this.#made(key, lookup.proof, files));
    await document.send(exchange);
  }

  /** Those who ask for the same answer at the same time wait for one. */
  #made(key: string, proof: Uint8Array, files: readonly ChosenFile[]): Promise<Document> {
    const underWay = this.#making.get(key);
    if (underWay) return underWay;
    const making = answer(proof, files)
      .then((document) => {
        this.#cache.set(key, document, document.cost);
        return document;
      })
      .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }
}

interface ChosenFile {
  readonly file: RoleFile;
  readonly dictionary: Dictionary | undefined;
}

/** Each different file once that the asker does not hold, and the dictionary for it, if there is one. */
async function chosenFiles(
  { roles }: ProjectLookup,
  { have, deltas }: { readonly have: readonly string[]; readonly deltas: boolean },
): Promise<readonly ChosenFile[]> {
  const names = new Set(have);
  const current = new Map(roles.map((file) => [file.sha256, file]));
  const wanted = [...current.values()].filter(({ sha256 }) => !names.delete(sha256.slice(0, 8)));
  const holds = (sha256: string): boolean => names.has(sha256.slice(0, 8));
  return Promise.all(
    wanted.map(async (file) => {
      return { file, dictionary: deltas && names.size > 0 ? await file.dictionary(holds) : undefined };
    }),
  );
}

async function answer(proof: Uint8Array, chosen: readonly ChosenFile[]): Promise<Document> {
  const files = await Promise.all(
    chosen.map(async ({ file, dictionary }): Promise<SentFile> => {
      const delta = dictionary && (await file.delta(dictionary));
      return delta ? { dictionary: dictionary.sha256.slice(0, 8), bytes: delta } : { bytes: await file.read() };
    }),
  );
  return new Document(encodeLookup({ proof, files }), {
    ...OPEN_TO_ALL,
    'Content-Type': 'application/vnd.holdfast.lookup',
    'Cache-Control': 'public, max-age=86400, immutable',
    Vary: 'Accept-Encoding',
  });
}

function snapshotGone(): HttpError {
  return new HttpError({
    // Not 404: that is what a mirror without lookups answers.
    status: 410,
    code: 'SNAPSHOT_GONE',
    message: 'This index does not keep that snapshot any more. Fetch the timestamp again.',
  });
}

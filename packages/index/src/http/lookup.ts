import { asProjectName } from '@holdfast/python-index';
import { encodeLookup, lookupChunks, readAsker, type SentFile } from '@holdfast/trust';
import { ByteLru, type CacheCounts } from '../byte-lru.ts';
import type { RoleVersion } from '../coded-files.ts';
import type { ProjectLookup, RoleFile } from '../metadata.ts';
import { Document } from './document.ts';
import { matchesEtag, strongEtag } from './etag.ts';
import type { Exchange } from './exchange.ts';
import { HttpError, notFound } from './http-error.ts';
import { sendNotModified, sendPieces } from './reply.ts';
import { OPEN_TO_ALL } from './security-headers.ts';
import type { ServedIndex } from './served-index.ts';

/** Bytes of answers for who reads no zstd that are kept, compressed forms included. */
const CACHE_BYTES = 16 * 2 ** 20;

const HEADERS = {
  ...OPEN_TO_ALL,
  'Content-Type': 'application/vnd.holdfast.lookup',
  'Cache-Control': 'public, max-age=86400, immutable',
};

/** A role is about so many times as long as its coded form with `targets` as base. */
const WHOLE_RATIO = 4;

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
    if (asker.zstd) return sendCoded(exchange, root, lookup, asker.have);
    const wanted = wantedFiles(lookup, new Set(asker.have));
    // By what is sent, not by what was asked: names of files that nobody holds fill no cache.
    const key = [root, project, ...wanted.map(({ sha256 }) => sha256)].join('/');
    const document = this.#cache.get(key) ?? (await this.#made(key, lookup.proof, wanted));
    await document.send(exchange);
  }

  /** Those who ask for the same answer at the same time wait for one. */
  #made(key: string, proof: Uint8Array, files: readonly RoleFile[]): Promise<Document> {
    const underWay = this.#making.get(key);
    if (underWay) return underWay;
    const making = plainAnswer(proof, files)
      .then((document) => {
        this.#cache.set(key, document, document.cost);
        return document;
      })
      .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }
}

/** Each different file once that the asker does not hold; what remains of `names` are other files that it may hold. */
function wantedFiles({ roles }: ProjectLookup, names: Set<string>): readonly RoleFile[] {
  const current = new Map(roles.map((file) => [file.sha256, file]));
  return [...current.values()].filter(({ sha256 }) => !names.delete(sha256.slice(0, 8)));
}

/** Puts an answer together of what is coded once for all snapshots. Nothing is hashed or compressed for it. */
async function sendCoded(
  exchange: Exchange,
  root: string,
  lookup: ProjectLookup,
  have: readonly string[],
): Promise<void> {
  const [first] = lookup.roles;
  const targets = first?.role === 'targets' ? first : undefined;
  const names = new Set(have);
  const wanted = wantedFiles(lookup, names);
  const files = await Promise.all(wanted.map((file) => sentFile(file, targets, names)));
  // Root, project and what is held are in the address. Another coder's bytes would say the same: a weak tag.
  const tag = strongEtag([root.slice(0, 16), ...files.map(({ coded }) => coded?.base)].join('-'));
  const fields = { ...HEADERS, ETag: `W/${tag}` };
  if (matchesEtag(exchange.request.headers['if-none-match'], tag)) sendNotModified(exchange, fields);
  else sendPieces(exchange, 200, fields, lookupChunks({ proof: lookup.proof, files }));
}

/** With an older version as base, when the asker may hold one and that pays; else with `targets`, which it has by then. */
async function sentFile(file: RoleFile, targets: RoleFile | undefined, names: ReadonlySet<string>): Promise<SentFile> {
  const older = names.size > 0 ? await file.older((sha256) => names.has(sha256.slice(0, 8))) : undefined;
  const update = older && (await file.coded(older));
  if (update && update.length * WHOLE_RATIO <= file.length) return sent(update, older);
  const base = file.sha256 === targets?.sha256 ? undefined : targets;
  const bytes = await file.coded(base);
  if (!bytes) throw new Error('targets is listed and not in the object store');
  return sent(bytes, base);
}

const sent = (bytes: Uint8Array, base: RoleVersion | undefined): SentFile => ({
  bytes,
  coded: base ? { base: base.sha256.slice(0, 8) } : {},
});

async function plainAnswer(proof: Uint8Array, wanted: readonly RoleFile[]): Promise<Document> {
  const files = await Promise.all(wanted.map(async (file) => ({ bytes: await file.read() })));
  return new Document(encodeLookup({ proof, files }), { ...HEADERS, Vary: 'Accept-Encoding' });
}

function snapshotGone(): HttpError {
  return new HttpError({
    // Not 404: that is what a mirror without lookups answers.
    status: 410,
    code: 'SNAPSHOT_GONE',
    message: 'This index does not keep that snapshot any more. Fetch the timestamp again.',
  });
}

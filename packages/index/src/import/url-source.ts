import { createHash } from 'node:crypto';
import {
  normalizeName,
  parseFilenameOf,
  type ProjectName,
  PythonIndexError,
  readLegacyDistribution,
} from '@holdfast/python-index';
import type { ObjectStore } from '../objects/object-store.ts';
import { Spool } from '../upload/spool.ts';
import { MAX_FILE_BYTES } from './directory-source.ts';
import type { ImportEntry, ImportSource, SourceItem } from './entry.ts';
import { IndexFetch, SourceError } from './index-fetch.ts';
import { ordered } from './ordered.ts';
import { type ListedFile, readProjectPage, readRootPage, SimplePageError } from './simple-page.ts';
import { isStored, sha256Of, storeFile } from './store-file.ts';

export interface UrlSourceOptions {
  /** Of the Simple API: what pip has as `--index-url`. */
  readonly url: string;
  /** All that the index lists when undefined. */
  readonly projects?: readonly string[] | undefined;
  readonly objects: ObjectStore;
  /** The hash of the file that has this name here, or had it. */
  readonly sha256Of: (filename: string) => Promise<string | undefined>;
  /** The upload time of files whose page has none. */
  readonly now: Date;
}

/** Projects that are fetched at a time; the files of one come one after the other. */
const PARALLEL = 6;
const MAX_METADATA_BYTES = 16 * 2 ** 20;

/** The files of another index (PEP 503, 691). Each is compared with the hash that its page gives, and copied. */
export function urlSource(options: UrlSourceOptions): ImportSource {
  const base = new URL(options.url.endsWith('/') ? options.url : `${options.url}/`);
  const chosen = options.projects && [...new Set(options.projects.map(normalizeName))].sort();
  let total: number | undefined;
  let done = 0;
  async function* items(cursor: string | undefined): AsyncGenerator<SourceItem> {
    const reader = new ProjectReader(options, base);
    const { names, problems } = chosen ? { names: chosen, problems: [] } : await reader.projects();
    total = names.length;
    const left = cursor === undefined ? names : names.filter((name) => name > cursor);
    done = names.length - left.length;
    yield* problems;
    for await (const found of ordered(left, PARALLEL, (name) => reader.read(name))) {
      done += 1;
      yield* found;
    }
  }
  return {
    id: `index:${base.href}${chosen ? ` ${chosen.join(' ')}` : ''}`,
    costly: true,
    share: () => (total === undefined ? undefined : done / Math.max(1, total)),
    items,
  };
}

class ProjectReader {
  readonly #options: UrlSourceOptions;
  readonly #base: URL;
  readonly #fetch: IndexFetch;

  constructor(options: UrlSourceOptions, base: URL) {
    this.#options = options;
    this.#base = base;
    this.#fetch = new IndexFetch(base);
  }

  /** Sorted by their normal form, so that a later run can go on in the middle. */
  async projects(): Promise<{ names: readonly ProjectName[]; problems: readonly SourceItem[] }> {
    const { text, isJson } = await this.#fetch.page(this.#base.href);
    const names = new Set<ProjectName>();
    const problems: SourceItem[] = [];
    for (const written of readRootPage(text, isJson)) {
      try {
        names.add(normalizeName(written));
      } catch (error) {
        if (!(error instanceof PythonIndexError)) throw error;
        problems.push({ problem: { item: written, reason: error.message } });
      }
    }
    return { names: [...names].sort(), problems };
  }

  /** @throws SourceError when the index cannot be reached: a later run goes on here */
  async read(project: ProjectName): Promise<readonly SourceItem[]> {
    const items: SourceItem[] = [];
    for (const file of await this.#list(project)) {
      if ('reason' in file) items.push({ problem: file });
      else items.push(await this.#item(project, file));
    }
    return [...items, { cursor: project }];
  }

  async #list(project: ProjectName): Promise<readonly (ListedFile | { item: string; reason: string })[]> {
    try {
      const { text, isJson, url } = await this.#fetch.page(new URL(`${project}/`, this.#base).href);
      return readProjectPage(text, isJson, url);
    } catch (error) {
      const refused = error instanceof SimplePageError || (error instanceof SourceError && error.final);
      if (!refused) throw error;
      return [{ item: project, reason: `its page cannot be used: ${error.message}` }];
    }
  }

  async #item(project: ProjectName, file: ListedFile): Promise<SourceItem> {
    const refuse = (reason: string): SourceItem => ({ problem: { item: file.filename, reason } });
    try {
      const name = parseFilenameOf(project, file.filename);
      if (file.sha256 === undefined) return refuse('the other index gives no SHA-256 for it');
      const before = await this.#options.sha256Of(file.filename);
      if (before !== undefined && before !== file.sha256)
        return refuse('the index has a file of this name with other bytes');
      // The same name and hash: what is here stays as it is.
      const facts = { ...file, ...name, sha256: file.sha256 };
      if (before !== undefined && (await isStored(this.#options.objects, facts)))
        return { entry: this.#entry(facts, 0, undefined) };
      return { entry: await this.#copy(facts) };
    } catch (error) {
      if (error instanceof PythonIndexError || error instanceof SourceError) return refuse(error.message);
      throw error;
    }
  }

  async #copy(facts: Facts): Promise<ImportEntry> {
    const spools: Spool[] = [];
    try {
      let spool = this.#spool(spools);
      await this.#fetch.file(facts.url, MAX_FILE_BYTES, async (bytes) => {
        spool = this.#spool(spools);
        const digest = createHash('sha256');
        for await (const piece of bytes) {
          digest.update(piece);
          await spool.append(piece);
        }
        if (digest.digest('hex') !== facts.sha256)
          throw new SourceError('what arrived has another SHA-256 than the other index says', false);
      });
      const metadata = facts.kind === 'wheel' ? await this.#metadata(facts, spool) : undefined;
      const entry = this.#entry(facts, spool.size, metadata);
      await storeFile(this.#options.objects, entry, spool, metadata);
      return entry;
    } finally {
      for (const spool of spools) await spool.discard();
    }
  }

  #spool(spools: Spool[]): Spool {
    const spool = new Spool(() => this.#options.objects.incoming());
    spools.push(spool);
    return spool;
  }

  /** Of the wheel itself, as uploads have it; of a wheel that no upload could be, what the other index serves, if anything. */
  async #metadata({ filename, url, coreMetadata }: Facts, spool: Spool): Promise<Uint8Array | undefined> {
    try {
      return (await readLegacyDistribution(spool, filename)).metadata;
    } catch (error) {
      if (!(error instanceof PythonIndexError)) throw error;
    }
    if (coreMetadata === undefined || coreMetadata === '') return undefined;
    const pieces: Uint8Array[] = [];
    await this.#fetch.file(`${url}.metadata`, MAX_METADATA_BYTES, async (bytes) => {
      pieces.length = 0;
      for await (const piece of bytes) pieces.push(piece);
    });
    const metadata = Buffer.concat(pieces);
    if (sha256Of(metadata) !== coreMetadata)
      throw new SourceError('its metadata has another SHA-256 than its page says', true);
    return metadata;
  }

  #entry(facts: Facts, size: number, metadata: Uint8Array | undefined): ImportEntry {
    const { project, filename, version, kind, sha256, requiresPython, uploadTime, yanked } = facts;
    return {
      project,
      displayName: project,
      filename,
      version,
      kind,
      sha256,
      size,
      requiresPython: requiresPython === '' ? undefined : requiresPython,
      uploadTime: uploadTime ?? this.#options.now,
      yanked,
      coreMetadata: metadata && { sha256: sha256Of(metadata), size: metadata.length },
    };
  }
}

type Facts = ListedFile & ReturnType<typeof parseFilenameOf> & { readonly sha256: string };

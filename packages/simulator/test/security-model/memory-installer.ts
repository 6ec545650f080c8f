import type { ProjectName } from '@holdfast/python-index';
import { parseProjectRole, projectDirectory } from '@holdfast/trust';
import { type MetadataStore, TufError, Updater } from '@holdfast/tuf';
import { Lookups } from '../../../installer/src/client/lookups.ts';
import { AbsentError, DEFAULT_LIMITS, InstallerError } from '../../../installer/src/index.ts';
import { MirrorMetadataFetcher } from '../../../installer/src/fetch/metadata-fetcher.ts';
import { Mirror, type ReadOptions } from '../../../installer/src/fetch/mirror.ts';
import { Mirrors } from '../../../installer/src/fetch/mirrors.ts';
import { Origin } from '../../../installer/src/fetch/origin.ts';
import type { Publication } from '../../src/index.ts';

/** In which form a server offers what it has: as every static mirror does, or with lookups and the snapshot tree besides. */
export const FORMS = ['lookups', 'files'] as const;
export type Form = (typeof FORMS)[number];

/** What an installer keeps of an index, in memory; can be copied, so that many things can happen to one user. */
export class Memory implements MetadataStore {
  readonly #files: Map<string, Uint8Array>;

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#files = new Map(files);
  }

  copy(): Memory {
    return new Memory(this.#files);
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.#files.get(name);
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(name, bytes);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  /** Nobody else has it. */
  lock<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}

const NOWHERE = 'http://memory.invalid/';

/** What a server has: a {@link Publication}, or less. */
export type Served = Pick<Publication, 'files' | 'lookup'>;

/** A mirror in this process: what it answers comes out of a publication. */
class MemoryMirror extends Mirror {
  readonly #publication: Served;
  readonly #form: Form;

  constructor(publication: Served, form: Form) {
    super(NOWHERE, new Origin(new URL(NOWHERE), undefined, DEFAULT_LIMITS, {}), DEFAULT_LIMITS);
    this.#publication = publication;
    this.#form = form;
  }

  override async read(path: string, _options: ReadOptions): Promise<Uint8Array> {
    const decoded = decodeURIComponent(path);
    const isLookup = path.startsWith('lookup/') && this.#form === 'lookups';
    const bytes = isLookup ? this.#publication.lookup(decoded) : this.#publication.files.get(decoded);
    if (bytes === undefined) throw new AbsentError(NOWHERE + path, isLookup ? 410 : 404);
    return bytes;
  }
}

export interface InstallerOptions {
  readonly root: Uint8Array;
  readonly memory: Memory;
  readonly now: Date;
  readonly publication: Served;
  readonly form: Form;
}

/** What an installer says of a project: SHA-256 by filename, or the code of its refusal. */
export type Said = ReadonlyMap<string, string> | string;

/**
 * The installer's own parts (client workflow, fetcher, lookups) put together as `IndexClient` does it, with a mirror and a store in
 * memory: some milliseconds for an attack.
 */
export class MemoryInstaller {
  readonly #updater: Updater;
  readonly #ready: Promise<unknown>;

  constructor({ root, memory, now, publication, form }: InstallerOptions) {
    const mirrors = new Mirrors([new MemoryMirror(publication, form)]);
    this.#updater = new Updater({
      trustedRoot: root,
      fetcher: new MirrorMetadataFetcher(mirrors, memory),
      store: memory,
      clock: () => now,
      offline: 'fallback',
      snapshotProofs: new Lookups(mirrors),
      mayBeUnsigned: (role) => (parseProjectRole(role)?.labels.length ?? 0) > 0,
    });
    this.#ready = this.#updater.refresh().catch(() => {}); // told to whoever asks for a project
  }

  async project(name: ProjectName): Promise<Said> {
    await this.#ready;
    try {
      const infos = await this.#updater.targetsIn(projectDirectory(name));
      return new Map(infos.map(({ path, file }) => [path.split('/').at(-1) ?? '', file.hashes.get('sha256') ?? '']));
    } catch (error) {
      if (error instanceof TufError || error instanceof InstallerError) return error.code;
      throw error;
    }
  }
}

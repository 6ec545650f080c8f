import { type ProjectFile, type ProjectName, type ProjectPage, normalizeName } from '@holdfast/python-index';
import { fileUrlPath, targetPath } from '@holdfast/trust';
import type { Identity } from '../../src/accounts/accounts.ts';
import { FilenameTakenError, FileUnknownError } from '../../src/errors.ts';
import type { Probe } from '../../src/http/health.ts';
import type { ServedIndex } from '../../src/http/served-index.ts';
import type { ObjectStore } from '../../src/objects/object-store.ts';
import type { NewFile, Published } from '../../src/publish/new-file.ts';

const missing = (): Promise<never> => Promise.reject(new Error('a memory index has no keys and no transactions'));

/**
 * An index that keeps its records in memory and signs nothing: for what concerns HTTP alone, where a test wants to decide
 * what the parts behind the server do. Objects are real.
 */
export class MemoryIndex implements ServedIndex {
  readonly objects: ObjectStore;
  readonly files = new Map<ProjectName, ProjectFile[]>();
  readonly owners = new Map<ProjectName, string>();
  readonly tokens = new Map<string, Identity>();
  readonly probes = new Map<string, Probe>();
  readonly roles = new Map<string, Uint8Array>();
  /** Runs before a publish, for tests that want it slow or failing. */
  beforePublish: (file: NewFile) => Promise<void> = async () => {};
  #revision = 0;

  constructor(objects: ObjectStore) {
    this.objects = objects;
  }

  readonly publisher = {
    publish: async (file: NewFile): Promise<Published> => {
      await this.beforePublish(file);
      const files = this.files.get(file.project) ?? [];
      const published = files.find(({ filename }) => filename === file.filename);
      if (published !== undefined && published.sha256 !== file.sha256) throw new FilenameTakenError(file.filename);
      if (published !== undefined) return { outcome: 'already-published', timestampVersion: this.#revision };
      const { filename, sha256, size, uploadTime, requiresPython, coreMetadata } = file;
      const url = `../../${fileUrlPath(targetPath(file.project, filename), sha256)}`;
      const entry = { filename, url, sha256, size, uploadTime };
      this.files.set(file.project, [
        ...files,
        { ...entry, ...(requiresPython !== undefined && { requiresPython }), ...(coreMetadata && { coreMetadata }) },
      ]);
      this.owners.set(file.project, file.account);
      this.#revision += 1;
      return { outcome: 'published', timestampVersion: this.#revision };
    },
    setYanked: async (
      project: ProjectName,
      filenames: readonly string[],
      yanked: boolean | string,
    ): Promise<{ timestampVersion: number }> => {
      const files = this.files.get(project) ?? [];
      for (const filename of filenames) {
        if (!files.some((file) => file.filename === filename)) throw new FileUnknownError(project, filename);
      }
      const changed = files.map(({ yanked: _, ...file }) => {
        const mark = filenames.includes(file.filename) ? yanked : (_ ?? false);
        return mark === false ? file : { ...file, yanked: mark };
      });
      this.files.set(project, changed);
      this.#revision += 1;
      return { timestampVersion: this.#revision };
    },
  };

  readonly catalog = {
    projectPage: async (name: ProjectName): Promise<ProjectPage | undefined> => {
      const files = this.files.get(name);
      return files && { name, files };
    },
    before: async (name: ProjectName, filename: string) => ({
      sha256: [...this.files.values()].flat().find((file) => file.filename === filename)?.sha256,
      isStaged: false,
      projectBytes: (this.files.get(name) ?? []).reduce((sum, file) => sum + file.size, 0),
    }),
    locationOf: async (): Promise<undefined> => undefined,
    projectNames: async (): Promise<readonly string[]> => [...this.files.keys()].sort(),
    revision: (): number => this.#revision,
  };

  readonly accounts = {
    authenticate: async (token: string): Promise<Identity | undefined> => this.tokens.get(token),
    mayPublish: async (identity: Identity, project: ProjectName): Promise<boolean> => {
      if (identity.project !== undefined && identity.project !== project) return false;
      return (this.owners.get(project) ?? identity.account) === identity.account;
    },
  };

  /** What developers sign takes records: see the tests of a whole index. */
  readonly accountKeys = { fingerprint: missing, list: missing, add: missing, remove: missing };
  readonly transactions = {
    submit: missing,
    status: missing,
    discard: missing,
    giveWay: missing,
    withdraw: missing,
    projectsOf: missing,
  };
  nextSigning = async (): Promise<Date | undefined> => undefined;

  readonly expiringSoon = async (): Promise<readonly []> => [];

  readonly metadata = {
    newest: async (role: string): Promise<Uint8Array | undefined> => this.roles.get(role),
    lookup: (): undefined => undefined,
    delta: async (): Promise<undefined> => undefined,
  };

  /** A page with files that nobody uploaded, for tests of pages. */
  list(name: string, count: number): ProjectName {
    const project = normalizeName(name);
    const files = Array.from({ length: count }, (_, i): ProjectFile => {
      const filename = `${project.replaceAll('-', '_')}-${i}.0-py3-none-any.whl`;
      const sha256 = i.toString(16).padStart(64, '0');
      const url = `../../${fileUrlPath(targetPath(project, filename), sha256)}`;
      return { filename, url, sha256, size: 1000 + i, uploadTime: new Date(0), coreMetadata: { sha256 } };
    });
    this.files.set(project, files);
    this.#revision += 1;
    return project;
  }
}

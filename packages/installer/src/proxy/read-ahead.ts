import {
  compareVersions,
  normalizeName,
  parseCoreMetadata,
  parseDistributionFilename,
  parseVersion,
  type ProjectName,
  PythonIndexError,
  type Version,
} from '@holdfast/python-index';
import type { IndexClient } from '../client/index-client.ts';
import type { VerifiedDistribution, VerifiedProject } from '../client/verified-project.ts';

/** Requests that run at the same time, beside those of the tool. */
const PARALLEL = 6;
/** Things remembered as begun; a proxy that runs for long forgets them all now and then. */
const MAX_BEGUN = 2_000;

/**
 * Fetches what a resolver will ask for next, while it still thinks: its dependencies' roles, the METADATA of their newest wheels, and, as soon
 * as it begins to download, the wheels whose METADATA it looked at. All of it is verified and kept like what the tool asks for
 * itself; a failure is not told, since the tool's own request will meet it.
 */
export class ReadAhead {
  readonly #client: IndexClient;
  readonly #begun = new Set<string>();
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Of each project the wheel whose METADATA the tool asked for last. */
  readonly #lookedAt = new Map<ProjectName, VerifiedDistribution>();
  #stopped = false;

  constructor(client: IndexClient) {
    this.#client = client;
  }

  /** The tool asked for a project's page. */
  page(project: VerifiedProject): void {
    this.#begun.add(project.name);
    this.#newest(project);
  }

  /** The tool asked for the METADATA of a file: what this one requires is next. */
  metadata(file: VerifiedDistribution): void {
    this.#lookedAt.delete(file.project);
    this.#lookedAt.set(file.project, file);
    this.#dependencies(file);
  }

  /** The tool asked for a file: it has made up its mind, and wants the others too. */
  file(file: VerifiedDistribution): void {
    if (!this.#lookedAt.delete(file.project)) return;
    for (const other of this.#lookedAt.values())
      this.#later(other.sha256, async () => void (await this.#client.file(other)));
    this.#lookedAt.clear();
  }

  /** Begins nothing more. Resolves when what had begun has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  #newest(project: VerifiedProject): void {
    const wheel = newestWheel(project.files);
    if (wheel) this.#dependencies(wheel);
  }

  #dependencies(file: VerifiedDistribution): void {
    if (!file.coreMetadata) return;
    this.#later(file.coreMetadata.sha256, async () => {
      const bytes = await this.#client.coreMetadata(file);
      if (!bytes) return;
      for (const name of requiredProjects(parseCoreMetadata(bytes).requiresDist)) {
        this.#later(name, async () => {
          const project = await this.#client.project(name);
          if (project) this.#newest(project);
        });
      }
    });
  }

  #later(key: string, work: () => Promise<void>): void {
    if (this.#begun.has(key)) return;
    if (this.#begun.size >= MAX_BEGUN) this.#begun.clear();
    this.#begun.add(key);
    this.#waiting.push(work);
    this.#next();
  }

  #next(): void {
    if (this.#stopped || this.#running.size >= PARALLEL) return;
    const work = this.#waiting.shift();
    if (!work) return;
    const running = work()
      .catch(() => {})
      .finally(() => {
        this.#running.delete(running);
        this.#next();
      });
    this.#running.add(running);
  }
}

/** The wheel that a resolver most likely looks at first. Its platform does not matter: the METADATA of a release is usually one. */
function newestWheel(files: readonly VerifiedDistribution[]): VerifiedDistribution | undefined {
  let newest: { readonly file: VerifiedDistribution; readonly version: Version } | undefined;
  for (const file of files) {
    if (!file.coreMetadata || file.yanked !== undefined) continue;
    const version = orUndefined(() => parseVersion(parseDistributionFilename(file.filename).version));
    if (!version || version.pre || version.dev !== undefined) continue;
    if (!newest || compareVersions(version, newest.version) > 0) newest = { file, version };
  }
  return newest?.file;
}

/** Names in `Requires-Dist`, without those that only an extra asks for. */
function requiredProjects(requirements: readonly string[]): ProjectName[] {
  return requirements.flatMap((requirement) => {
    const [, name = '', rest = ''] = /^([A-Za-z0-9._-]+)(.*)$/s.exec(requirement) ?? [];
    return /\bextra\s*==/.test(rest) ? [] : (orUndefined(() => normalizeName(name)) ?? []);
  });
}

function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof PythonIndexError) return undefined;
    throw error;
  }
}

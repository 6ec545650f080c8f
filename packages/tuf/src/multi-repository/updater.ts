import type { CallOptions, TargetInfo } from '../client/updater.ts';
import type { RefreshReport } from '../client/view.ts';
import { ConsensusError, TufError, UnmappedTargetError } from '../errors.ts';
import type { TargetFile } from '../model.ts';
import { firstInAgreement, largestAgreement, mergedFile } from './agreement.ts';
import type { RepositoryMap, RepositoryMapping } from './map.ts';
import type { ListedStatement, MappingOutcome, RepositoryStatement } from './statement.ts';

/** What is needed of an `Updater`. */
export interface TargetSource {
  /** See {@link Updater.targetInfo}. */
  targetInfo(path: string, options?: CallOptions): Promise<TargetInfo | undefined>;
  /** See {@link Updater.refresh}. */
  refresh(options?: CallOptions): Promise<RefreshReport>;
}

/** A target that enough repositories agree on. */
export interface ConsensusInfo {
  /** The target path. */
  readonly path: string;
  /**
   * What content must be: the length, and the hashes of all repositories that agree. `custom` is that of the first: the
   * repositories need not agree on it.
   */
  readonly file: TargetFile;
  /** The repositories that agree, in the order of the mapping; each may serve the content, at its own `urlPath`. */
  readonly repositories: ReadonlyMap<string, TargetInfo>;
  /** Index of the mapping that decided. */
  readonly mapping: number;
}

/** Opens one repository of the map: `urls` are its mirrors, in order of preference. */
export type OpenRepository = (name: string, urls: readonly string[]) => TargetSource | Promise<TargetSource>;

/**
 * A client of several repositories (TAP 4): a map says, by path, which of them must agree on a target. Each has its own
 * root of trust and its own store, and is opened when it is first asked.
 */
export class MultiRepositoryUpdater {
  private readonly map: RepositoryMap;
  private readonly open: OpenRepository;
  private readonly sources = new Map<string, Promise<TargetSource>>();

  constructor(map: RepositoryMap, open: OpenRepository) {
    this.map = map;
    this.open = open;
  }

  /**
   * The search of TAP 4. A mapping's repositories are asked in order until enough of them agree. The next mapping is
   * consulted only when those asked have shown that this one's threshold cannot be met: a repository that fails counts
   * for nothing, but whoever can block it must not be able to turn the search over to the next mapping either.
   * @returns undefined when every repository asked says that there is no such target
   * @throws UnmappedTargetError when no mapping is for this path
   * @throws ConsensusError when the repositories disagree, too few list the target, or too many fail
   */
  async targetInfo(path: string, options: CallOptions = {}): Promise<ConsensusInfo | undefined> {
    const outcomes: MappingOutcome[] = [];
    for (const [index, mapping] of this.map.mappings.entries()) {
      if (!mapping.paths.some((pattern) => pattern.matches(path))) continue;
      const statements = await this.statements(mapping, path, options);
      const agreeing = firstInAgreement(statements.filter(isListed), mapping.threshold);
      if (agreeing !== undefined) return consensus(path, index, agreeing);
      const { threshold, terminating } = mapping;
      outcomes.push({ mapping: index, threshold, terminating, statements });
      if (terminating || isUndecided(statements, threshold)) break;
    }
    if (outcomes.length === 0) throw new UnmappedTargetError(path);
    const absent = outcomes.every(({ statements }) => statements.every(({ says }) => says === 'absent'));
    if (absent) return undefined;
    throw new ConsensusError(path, outcomes);
  }

  /**
   * Brings every repository of the map up to date, at the same time.
   * @returns by name; the error of one that failed stands in its place
   */
  async refresh(options: CallOptions = {}): Promise<ReadonlyMap<string, RefreshReport | TufError>> {
    const names = [...this.map.repositories.keys()];
    const reports = await Promise.all(
      names.map((name) => orFailure(async () => (await this.source(name)).refresh(options))),
    );
    return new Map(reports.map((report, index) => [names[index] ?? '', report]));
  }

  /** Asks as many at a time as are still lacking, in order, so that none is asked in vain when the first ones agree. */
  private async statements(
    { repositories, threshold }: RepositoryMapping,
    path: string,
    options: CallOptions,
  ): Promise<readonly RepositoryStatement[]> {
    const statements: RepositoryStatement[] = [];
    while (statements.length < repositories.length) {
      const lacking = threshold - largestAgreement(statements.filter(isListed), threshold);
      if (lacking === 0) break;
      const next = repositories.slice(statements.length, statements.length + lacking);
      statements.push(...(await Promise.all(next.map((repository) => this.ask(repository, path, options)))));
    }
    return statements;
  }

  private async ask(repository: string, path: string, options: CallOptions): Promise<RepositoryStatement> {
    const answer = await orFailure(async () => (await this.source(repository)).targetInfo(path, options));
    if (answer === undefined) return { repository, says: 'absent' };
    if (answer instanceof TufError) return { repository, says: 'failed', error: answer };
    return { repository, says: 'listed', info: answer };
  }

  private source(name: string): Promise<TargetSource> {
    let source = this.sources.get(name);
    if (source === undefined) {
      source = this.opened(name);
      this.sources.set(name, source);
      // A failure is not remembered: the next call tries again. Its own caller sees the error.
      source.catch(() => this.sources.delete(name));
    }
    return source;
  }

  private async opened(name: string): Promise<TargetSource> {
    return this.open(name, this.map.repositories.get(name) ?? []);
  }
}

/** What a repository does wrong is kept as its answer; anything else, such as an abort, ends the call. */
async function orFailure<T>(call: () => Promise<T>): Promise<T | TufError> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof TufError) return error;
    throw error;
  }
}

function isListed(statement: RepositoryStatement): statement is ListedStatement {
  return statement.says === 'listed';
}

/** Whether those that failed could have made up the threshold. */
function isUndecided(statements: readonly RepositoryStatement[], threshold: number): boolean {
  const failed = statements.filter(({ says }) => says === 'failed').length;
  return largestAgreement(statements.filter(isListed), threshold) + failed >= threshold;
}

function consensus(path: string, mapping: number, agreeing: readonly ListedStatement[]): ConsensusInfo | undefined {
  const [first, ...others] = agreeing.map(({ info }) => info.file);
  if (first === undefined) return undefined;
  return {
    path,
    file: mergedFile(first, others),
    repositories: new Map(agreeing.map(({ repository, info }) => [repository, info])),
    mapping,
  };
}

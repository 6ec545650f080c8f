import { AbsentError, InstallerError, type MirrorProblem, UnreachableError } from '../errors.ts';
import { DEFAULT_LIMITS, type FetchLimits } from './limits.ts';
import { Mirror } from './mirror.ts';

/** How long a mirror that failed is asked last. */
const SHUN_MS = 60_000;

/** The mirrors of one index, in the user's order, with those that failed lately at the end. */
export class Mirrors {
  readonly #mirrors: readonly Mirror[];
  readonly #shunnedAt = new Map<Mirror, number>();
  #preferred: readonly Mirror[];
  #problems: MirrorProblem[] = [];

  constructor(mirrors: readonly Mirror[]) {
    this.#mirrors = mirrors;
    this.#preferred = mirrors;
  }

  static async open(
    addresses: readonly string[],
    environment: NodeJS.ProcessEnv = process.env,
    limits: FetchLimits = DEFAULT_LIMITS,
  ): Promise<Mirrors> {
    return new Mirrors(await Promise.all(addresses.map((address) => Mirror.open(address, limits, environment))));
  }

  get size(): number {
    return this.#mirrors.length;
  }

  /** The addresses in the user's order, without credentials. */
  get urls(): readonly string[] {
    return this.#mirrors.map(({ url }) => url);
  }

  /** The mirrors in the order in which to ask them now. */
  order(): readonly Mirror[] {
    const since = performance.now() - SHUN_MS;
    const shunned = (mirror: Mirror): number => {
      const at = this.#shunnedAt.get(mirror);
      return at !== undefined && at > since ? at : 0;
    };
    return [...this.#preferred].sort((a, b) => shunned(a) - shunned(b));
  }

  /** Asks `mirrors` first from now on, in this order. */
  prefer(mirrors: readonly Mirror[]): void {
    this.#preferred = [...mirrors, ...this.#mirrors.filter((mirror) => !mirrors.includes(mirror))];
  }

  /** Notes what was wrong with a mirror, and asks it last for a while. */
  shun(mirror: Mirror, error: unknown): void {
    this.#shunnedAt.set(mirror, performance.now());
    this.#problems = [
      ...this.#problems.filter((problem) => problem.mirror !== mirror.url),
      { mirror: mirror.url, error },
    ];
  }

  /** The last problem of each mirror since this was last asked. */
  takeProblems(): readonly MirrorProblem[] {
    const problems = this.#problems;
    this.#problems = [];
    return problems;
  }

  /**
   * Asks the mirrors in turn until one answers. One that fails is shunned; "no such file" is believed only when no other
   * mirror has it either, unless `believeAbsence`.
   * @throws what the most telling mirror threw: misbehaviour before absence before being unreachable
   */
  async first<T>(
    attempt: (mirror: Mirror) => Promise<T>,
    options: { signal?: AbortSignal | undefined; believeAbsence?: boolean } = {},
  ): Promise<T> {
    let telling: InstallerError | undefined;
    for (const mirror of this.order()) {
      try {
        return await attempt(mirror);
      } catch (error) {
        if (options.signal?.aborted || !(error instanceof InstallerError)) throw error;
        if (options.believeAbsence && error instanceof AbsentError) throw error;
        if (!(error instanceof AbsentError)) this.shun(mirror, error);
        if (telling === undefined || weight(error) > weight(telling)) telling = error;
      }
    }
    throw telling ?? new UnreachableError('', 'the index has no mirror');
  }

  close(): void {
    for (const mirror of this.#mirrors) mirror.close();
  }
}

function weight(error: InstallerError): number {
  if (error instanceof UnreachableError) return 0;
  return error instanceof AbsentError ? 1 : 2;
}

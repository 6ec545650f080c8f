import type { Logger } from 'pino';

/** Looks at one thing that installing or uploading needs; says what it saw. @throws Unready, or anything else, which stays in the log */
export type Probe = () => Promise<string>;

/** What anybody may be told of why an index cannot do its work. */
export class Unready extends Error {
  readonly code = 'UNREADY';
}

export interface Check {
  readonly ok: boolean;
  readonly detail: string;
}

export interface Health {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, Check>>;
}

/** Milliseconds for which an answer is good: however many ask, each thing is looked at once in that time. */
const GOOD_MS = 1_000;
/** Milliseconds after which something that does not answer is taken for broken. */
const PATIENCE_MS = 3_000;

/**
 * Whether this process should be sent requests. Anybody may ask, so one look serves all who ask meanwhile and for a second
 * after; a probe that hangs is not started again beside itself.
 */
export class Readiness {
  readonly #probes: () => Iterable<readonly [string, Probe]>;
  readonly #log: Logger;
  readonly #hanging = new Map<string, Promise<Check>>();
  #last: { readonly at: number; readonly health: Promise<Health> } | undefined;
  #stopping = false;

  constructor(probes: () => Iterable<readonly [string, Probe]>, log: Logger) {
    this.#probes = probes;
    this.#log = log;
  }

  /** From now on it is not ready, whatever else is. */
  stop(): void {
    this.#stopping = true;
  }

  look(): Promise<Health> {
    if (this.#stopping) return Promise.resolve({ ok: false, checks: { serving: { ok: false, detail: 'stopping' } } });
    const now = performance.now();
    if (!this.#last || now - this.#last.at > GOOD_MS) this.#last = { at: now, health: this.#look() };
    return this.#last.health;
  }

  async #look(): Promise<Health> {
    const checks = await Promise.all(
      Array.from(this.#probes(), async ([name, probe]) => [name, await this.#check(name, probe)] as const),
    );
    return { ok: checks.every(([, { ok }]) => ok), checks: Object.fromEntries(checks) };
  }

  async #check(name: string, probe: Probe): Promise<Check> {
    const running = this.#hanging.get(name) ?? this.#run(name, probe);
    this.#hanging.set(name, running);
    const late = Promise.withResolvers<Check>();
    const timer = setTimeout(() => late.resolve({ ok: false, detail: 'does not answer' }), PATIENCE_MS);
    try {
      return await Promise.race([running, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(name: string, probe: Probe): Promise<Check> {
    try {
      return { ok: true, detail: await probe() };
    } catch (error) {
      if (error instanceof Unready) return { ok: false, detail: error.message };
      this.#log.error({ err: error, probe: name }, 'not ready');
      return { ok: false, detail: 'cannot be used; see the log' };
    } finally {
      this.#hanging.delete(name);
    }
  }
}

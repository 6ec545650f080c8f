/**
 * Work that several callers wait for at once. Each may give up by its own signal; the work itself is aborted only when
 * nobody waits for it any more.
 */
export class Shared<T> {
  private readonly controller = new AbortController();
  private readonly outcome: Promise<T>;
  private waiting = 0;
  private settled = false;

  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.outcome = start(this.controller.signal).finally(() => {
      this.settled = true;
    });
    this.outcome.catch(() => undefined); // reported to those who joined
  }

  /** True once everybody gave up: who comes now needs new work. */
  get abandoned(): boolean {
    return this.controller.signal.aborted;
  }

  /** @throws the work's error, or the signal's reason */
  async join(signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    this.waiting++;
    const { promise, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', giveUp);
    try {
      return await Promise.race([this.outcome, promise]);
    } finally {
      signal?.removeEventListener('abort', giveUp);
      if (--this.waiting === 0 && !this.settled) this.controller.abort(signal?.reason);
    }
  }
}

/** Work by key that several callers wait for; what succeeded stays, a failure is forgotten: who comes next tries again. */
export class SharedByKey<T> {
  private readonly works = new Map<string, Shared<T>>();

  /** @throws the work's error, or the signal's reason */
  async run(key: string, signal: AbortSignal | undefined, start: (own: AbortSignal) => Promise<T>): Promise<T> {
    let shared = this.works.get(key);
    if (shared === undefined || shared.abandoned) {
      shared = new Shared(start);
      this.works.set(key, shared);
    }
    try {
      return await shared.join(signal);
    } catch (error) {
      if (this.works.get(key) === shared) this.works.delete(key);
      throw error;
    }
  }
}

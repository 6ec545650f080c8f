/** Thrown to who must come again later: everything is taken and the queue is full, or the wait was too long. */
export class BusyError extends Error {
  readonly code = 'BUSY';

  constructor() {
    super('The index is receiving as many uploads as it can. Try again in a few seconds.');
    this.name = 'BusyError';
  }
}

interface Waiter {
  admit(): void;
  readonly timer: NodeJS.Timeout;
}

/** Lets `concurrent` tasks in at a time; `waiting` more queue, first come first served, each for `waitMs` at most. */
export class Gate {
  readonly #limits: { readonly concurrent: number; readonly waiting: number; readonly waitMs: number };
  readonly #queue = new Set<Waiter>();
  #inside = 0;

  constructor(limits: { readonly concurrent: number; readonly waiting: number; readonly waitMs: number }) {
    this.#limits = limits;
  }

  /** How many are in, and how many wait. */
  get load(): { readonly inside: number; readonly waiting: number } {
    return { inside: this.#inside, waiting: this.#queue.size };
  }

  /** Runs the task when there is room. Throws {@link BusyError} when there is none in time, or the signal's reason. */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#inside < this.#limits.concurrent) {
      this.#inside += 1;
      return;
    }
    if (this.#queue.size >= this.#limits.waiting) throw new BusyError();
    await new Promise<void>((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        this.#queue.delete(waiter);
        clearTimeout(waiter.timer);
        signal.removeEventListener('abort', abort);
        outcome();
      };
      const abort = (): void => settle(() => reject(signal.reason as Error));
      const timer = setTimeout(() => settle(() => reject(new BusyError())), this.#limits.waitMs);
      const waiter: Waiter = { admit: () => settle(resolve), timer };
      signal.addEventListener('abort', abort, { once: true });
      this.#queue.add(waiter);
    });
  }

  #leave(): void {
    const [next] = this.#queue;
    // The place goes from hand to hand: nobody who comes in between can take it.
    if (next !== undefined) next.admit();
    else this.#inside -= 1;
  }
}

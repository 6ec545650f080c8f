/** The client sends too slowly, or stopped sending. */
export class TooSlowError extends Error {
  readonly code = 'TOO_SLOW';

  constructor(reason: string) {
    super(`The upload was given up: ${reason}. Nothing was stored; please upload again.`);
    this.name = 'TooSlowError';
  }
}

export interface PaceLimits {
  readonly idleMs: number;
  readonly totalMs: number;
  readonly minBytesPerSecond: number;
  readonly graceMs: number;
}

/**
 * Watches that bytes keep coming. `onTooSlow` is called once, with the reason. A slow sender costs a place in the gate,
 * a file and a socket; that is why silence, a trickle and eternity each have a limit.
 */
export class Pace {
  readonly #limits: PaceLimits;
  readonly #now: () => number;
  readonly #started: number;
  readonly #timer: NodeJS.Timeout;
  #last: number;
  #bytes = 0;
  #held = false;

  constructor(
    limits: PaceLimits,
    onTooSlow: (error: TooSlowError) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#limits = limits;
    this.#now = now;
    this.#started = now();
    this.#last = this.#started;
    const interval = Math.max(10, Math.min(1000, limits.idleMs / 4));
    this.#timer = setInterval(() => {
      const reason = this.verdict();
      if (reason === undefined) return;
      this.stop();
      onTooSlow(new TooSlowError(reason));
    }, interval);
  }

  /** Counts bytes that arrived. */
  received(bytes: number): void {
    this.#bytes += bytes;
    this.#last = this.#now();
  }

  /** While held, silence is ours: the disk is slower than the network, and the client must not be blamed. */
  hold(held: boolean): void {
    this.#held = held;
    this.#last = this.#now();
  }

  /** Why the upload must end, or `undefined` while it may go on. */
  verdict(): string | undefined {
    const now = this.#now();
    const elapsed = now - this.#started;
    const { idleMs, totalMs, graceMs, minBytesPerSecond } = this.#limits;
    if (elapsed > totalMs) return `it took longer than ${seconds(totalMs)}`;
    if (this.#held) return undefined;
    if (now - this.#last > idleMs) return `nothing arrived for ${seconds(idleMs)}`;
    if (elapsed > graceMs && this.#bytes < (minBytesPerSecond * elapsed) / 1000) {
      return `it came slower than ${minBytesPerSecond} bytes a second`;
    }
    return undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} seconds`;
}

import type { Logger } from 'pino';
import type { OfflineExpiries } from './expiry.ts';

const DAY_MS = 86_400_000;
/** It is looked for this often, in milliseconds. */
const LOOK_MS = 3_600_000;

export interface ReminderParts {
  readonly expiries: Pick<OfflineExpiries, 'near'>;
  readonly clock: () => Date;
  readonly logger: Logger;
}

/** Writes a line into the log each day for each role of offline keys that expires soon. In the process that signs only. */
export class Reminder {
  readonly #parts: ReminderParts;
  readonly #timer: NodeJS.Timeout;
  readonly #told = new Map<string, number>();
  #looking: Promise<void>;

  constructor(parts: ReminderParts) {
    this.#parts = parts;
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#look();
    }, LOOK_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { expiries, clock, logger } = this.#parts;
    const now = clock().getTime();
    try {
      for (const { role, expires } of await expiries.near()) {
        if (now - (this.#told.get(role) ?? 0) < DAY_MS) continue;
        this.#told.set(role, now);
        const days = Math.floor((expires.getTime() - now) / DAY_MS);
        logger.warn({ role, expires, days }, 'the holders of offline keys have to sign soon: holdfast admin export');
      }
    } catch (error) {
      logger.error({ err: error }, 'nobody can say when offline roles expire');
    }
  }
}

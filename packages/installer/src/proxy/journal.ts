import { explain, type Explanation } from '../messages.ts';
import type { VerifiedDistribution } from '../client/verified-project.ts';

/** Something that a tool asked for and did not get. */
export interface Refusal {
  readonly at: Date;
  /** The trusted index concerned, if any. */
  readonly index: string | undefined;
  /** What was asked for: a filename, a project, a host. */
  readonly subject: string;
  /** The stable code of the error. */
  readonly code: string;
  readonly explanation: Explanation;
  readonly error: unknown;
}

/** A distribution file that was handed out, and who answers for it. */
export interface HandedOut {
  readonly at: Date;
  readonly file: VerifiedDistribution;
}

/** What a proxy handed out and what it refused, each once however often a tool asks. */
export class Journal {
  readonly #clock: () => Date;
  readonly #onRefusal: (refusal: Refusal) => void;
  readonly #refusals = new Map<string, Refusal>();
  readonly #handedOut = new Map<string, HandedOut>();

  constructor(clock: () => Date, onRefusal: (refusal: Refusal) => void) {
    this.#clock = clock;
    this.#onRefusal = onRefusal;
  }

  get refusals(): readonly Refusal[] {
    return [...this.#refusals.values()];
  }

  get handedOut(): readonly HandedOut[] {
    return [...this.#handedOut.values()];
  }

  /** Notes a refusal, tells about it if it is new, and returns it. */
  refuse(index: string | undefined, subject: string, error: unknown): Refusal {
    const explanation = explain(error);
    const code = codeOf(error);
    const refusal = { at: this.#clock(), index, subject, code, explanation, error };
    const key = `${index ?? ''}\n${subject}\n${explanation.sentence}`;
    const known = this.#refusals.get(key);
    if (known) return known;
    if (this.#refusals.size < MAX_ENTRIES) this.#refusals.set(key, refusal);
    this.#onRefusal(refusal);
    return refusal;
  }

  handOut(file: VerifiedDistribution): void {
    if (this.#handedOut.size < MAX_ENTRIES) this.#handedOut.set(file.path, { at: this.#clock(), file });
  }
}

/** A long-running proxy must not remember for ever. */
const MAX_ENTRIES = 10_000;

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'INTERNAL';
}

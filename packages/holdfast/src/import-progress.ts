import { note, print } from './terminal.ts';

export interface ImportStep {
  readonly phase: 'load' | 'sign';
  /** Files, or roles, so far. */
  readonly done: number;
  /** From 0 to 1. */
  readonly share: number | undefined;
}

/** Milliseconds between two lines, on a terminal and elsewhere. */
const TERMINAL_MS = 500;
const LINE_MS = 10_000;
const WORDS = { load: ['files read', 'Reading'], sign: ['roles signed', 'Signing'] } as const;

/** Tells how far an import is: in one line that changes on a terminal, else in a line now and then, or in lines of JSON. */
export class ImportReporter {
  readonly #json: boolean;
  readonly #terminal = process.stderr.isTTY;
  #phase: ImportStep['phase'] | undefined;
  #began = 0;
  /** What was done when the phase began, by an earlier run. */
  #share = 0;
  #last = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  step(step: ImportStep): void {
    const now = performance.now();
    if (step.phase !== this.#phase) {
      this.#phase = step.phase;
      this.#began = now;
      this.#share = step.share ?? 0;
      this.#last = now;
      return;
    }
    if (now - this.#last < (this.#terminal && !this.#json ? TERMINAL_MS : LINE_MS)) return;
    this.#last = now;
    this.#tell(step, (now - this.#began) / 1000);
  }

  /** Leaves the line that changes. */
  end(): void {
    if (this.#terminal && !this.#json) note();
  }

  #tell({ phase, done, share }: ImportStep, seconds: number): void {
    const perSecond = Math.round(done / seconds);
    const went = (share ?? 0) - this.#share;
    const remainingSeconds = went > 0 && share !== undefined ? Math.round((seconds * (1 - share)) / went) : undefined;
    if (this.#json) {
      print(JSON.stringify({ phase, done, share, per_second: perSecond, remaining_seconds: remainingSeconds }));
      return;
    }
    const [unit, verb] = WORDS[phase];
    const parts = [`${verb}: ${done} ${unit}`, `${perSecond}/s`];
    if (share !== undefined) parts.push(`${Math.floor(share * 100)} %`);
    if (remainingSeconds !== undefined) parts.push(`${spoken(remainingSeconds)} left`);
    const line = parts.join(', ');
    if (this.#terminal) process.stderr.write(`\r${line.padEnd(78)}`);
    else note(line);
  }
}

function spoken(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

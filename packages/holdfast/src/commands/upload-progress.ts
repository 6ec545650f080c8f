import type { LocalFile, ReleaseProgress } from '@holdfast/developer';
import { size } from './project-output.ts';

const EVERY_MS = 100;

/** One line on a terminal that says how much of a release has been sent; nothing elsewhere. */
export class Progress {
  readonly #total: number;
  readonly #count: number;
  #sent = 0;
  #stored = 0;
  #shownAt = 0;

  constructor(files: readonly LocalFile[]) {
    this.#total = files.reduce((sum, file) => sum + file.size, 0);
    this.#count = files.length;
  }

  show(step: ReleaseProgress): void {
    if (step.kind === 'sent') this.#sent += step.bytes;
    if (step.kind === 'stored') this.#stored += 1;
    const isLast = step.kind !== 'sent';
    if (!process.stderr.isTTY || (!isLast && performance.now() - this.#shownAt < EVERY_MS)) return;
    this.#shownAt = performance.now();
    const text =
      step.kind === 'signing'
        ? `signing ${step.roles.join(', ')}`
        : `${this.#stored} of ${this.#count} files sent, ${size(this.#sent)} of ${size(this.#total)}`;
    process.stderr.write(`\r\u001b[K${text}`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}

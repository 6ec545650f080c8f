/** One command of `holdfast`: what the help says, and what it does. */
export interface Command {
  /** The words that select it, such as `token create`. */
  readonly name: string;
  /** Its arguments, as the help shows them. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** More for `holdfast help NAME`, indented lines. */
  readonly details?: string;
  /** @returns the exit code. @throws UsageError, or the errors of the packages it calls. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line was not understood; the sentence says which part. */
export class UsageError extends Error {
  readonly code = 'USAGE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Somebody ended the command instead of answering: with Ctrl-C, or with the end of the input. */
export class StoppedError extends Error {
  readonly code = 'STOPPED';

  constructor(options?: ErrorOptions) {
    super('you stopped it instead of answering', options);
    this.name = 'StoppedError';
  }
}

/** Asks on the terminal. @throws StoppedError */
export function ask(prompt: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return answered(() => lines.question(prompt), lines);
}

/** Asks on the terminal without showing what is typed. @throws StoppedError */
export async function askSecretly(prompt: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  // Before the prompt, because this is what ends the terminal's echo: somebody may type, or paste, at once.
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(prompt);
  try {
    return await answered(() => lines.question(''), lines);
  } finally {
    process.stderr.write('\n');
  }
}

async function answered(question: () => Promise<string>, lines: { close(): void }): Promise<string> {
  try {
    return await question();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ABORT_ERR') throw new StoppedError({ cause });
    throw cause;
  } finally {
    lines.close();
  }
}

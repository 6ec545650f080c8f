import { styleText } from 'node:util';

/** What a person sees. Results go to standard output, everything about them to standard error; colour only on a terminal. */

type Style = Parameters<typeof styleText>[0];

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Many lines; done when whoever reads them has taken them. @throws EPIPE when nobody does any more */
export function printAll(lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    if (lines.length === 0) return resolve();
    // The stream tells of its error once more, after the callback, and nobody may be listening by then.
    process.stdout.once('error', reject);
    process.stdout.write(`${lines.join('\n')}\n`, (error) => {
      if (error) return reject(error);
      process.stdout.off('error', reject);
      resolve();
    });
  });
}

export function note(line = ''): void {
  process.stderr.write(`${line}\n`);
}

/** Colours text for standard output; plain when that is not a terminal or NO_COLOR is set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Colours text for standard error. */
export function paintNote(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

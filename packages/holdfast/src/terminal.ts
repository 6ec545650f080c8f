import { styleText } from 'node:util';

/** What a person sees. Results go to standard output, everything about them to standard error; colour only on a terminal. */

type Style = Parameters<typeof styleText>[0];

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
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

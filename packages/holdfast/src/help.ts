import { UsageError } from './command.ts';
import { commands } from './commands/all.ts';

/** Before these commands another kind of reader begins. */
const HEADINGS: ReadonlyMap<string, string> = new Map([
  ['trust add', 'To install packages:'],
  ['upload', 'To publish them, with a key of your own:'],
  ['build-farm', 'To build for others, and to watch an index:'],
  ['init', 'To run an index:'],
]);

/** The list of commands. */
export async function help(): Promise<string> {
  const all = await Promise.all([...commands.values()].map((load) => load()));
  const width = Math.max(...all.map(({ name }) => name.length)) + 2;
  return [
    'Holdfast: install Python packages that nobody forged on the way.',
    ...all.flatMap(({ name, summary }) => [...headingOf(name), `  holdfast ${name.padEnd(width)}${summary}`]),
    '',
    'holdfast help COMMAND tells more of one.',
  ].join('\n');
}

function headingOf(name: string): readonly string[] {
  const heading = HEADINGS.get(name);
  return heading === undefined ? [] : ['', heading];
}

/** @throws UsageError when there is no such command */
export async function helpFor(name: string): Promise<string> {
  const loaders = [...commands].filter(([known]) => known === name || known.startsWith(`${name} `));
  if (loaders.length === 0) throw new UsageError(`there is no command "${name}"; "holdfast help" lists them`);
  const found = await Promise.all(loaders.map(([, load]) => load()));
  return found
    .map(({ name: words, usage, summary, details }) =>
      [`holdfast ${words} ${usage}`, `  ${summary}`, ...(details === undefined ? [] : [details])].join('\n\n'),
    )
    .join('\n\n');
}

import { UsageError } from './command.ts';
import { commands } from './commands/all.ts';

/** The list of commands. */
export function help(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    'Holdfast: install Python packages that nobody forged on the way.',
    '',
    ...commands.map(({ name, summary }) => `  holdfast ${name.padEnd(width)}${summary}`),
    '',
    'holdfast help COMMAND tells more of one.',
  ].join('\n');
}

/** @throws UsageError when there is no such command */
export function helpFor(name: string): string {
  const found = commands.filter((command) => command.name === name || command.name.startsWith(`${name} `));
  if (found.length === 0) throw new UsageError(`there is no command "${name}"; "holdfast help" lists them`);
  return found
    .map(
      ({ name: words, usage, summary, details }) =>
        `holdfast ${words} ${usage}\n\n  ${summary}${details === undefined ? '' : `\n\n${details}`}`,
    )
    .join('\n\n');
}

import { UsageError } from './command.ts';
import { commands } from './commands/all.ts';
import { explain } from './explain.ts';
import { help, helpFor } from './help.ts';
import { note, paintNote, print } from './terminal.ts';
import { version } from './version.ts';

/** Selects the command, runs it, and turns what it throws into a sentence and a remedy. */
async function main(args: readonly string[]): Promise<number> {
  const [first = 'help', ...rest] = args;
  if (first === '--version' || first === 'version') {
    print(version);
    return 0;
  }
  if (first === 'help' || first === '--help' || first === '-h') {
    print(rest.length > 0 ? helpFor(rest.join(' ')) : help());
    return 0;
  }
  const command = commands.find(({ name }) => name === first || name === `${first} ${rest[0] ?? ''}`);
  if (command === undefined)
    throw new UsageError(`there is no command "${args.slice(0, 2).join(' ')}"; "holdfast help" lists them`);
  const own = rest.slice(command.name.split(' ').length - 1);
  if (own[0] === '--help' || own[0] === '-h') {
    print(helpFor(command.name));
    return 0;
  }
  return command.run(own);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { sentence, remedy } = explain(error);
  note(`${paintNote('red', 'holdfast:')} ${sentence}`);
  if (remedy !== undefined) note(`  ${remedy}`);
  if (process.env['HOLDFAST_DEBUG'] && error instanceof Error) note(error.stack);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

import { UsageError } from './command.ts';
import { commands } from './commands/all.ts';
import { StoppedError } from './question.ts';
import { note, paintNote, print } from './terminal.ts';

/** The command in the first words, as far as they are known. */
let chosen: string | undefined;

/** Selects the command, runs it, and turns what it throws into a sentence and a remedy. */
async function main(args: readonly string[]): Promise<number> {
  const [first = 'help', ...rest] = args;
  if (first === '--version' || first === 'version') {
    print((await import('./version.ts')).version);
    return 0;
  }
  if (first === 'help' || isHelp(first)) {
    const { help, helpFor } = await import('./help.ts');
    print(rest.length > 0 ? await helpFor(rest.join(' ')) : await help());
    return 0;
  }
  const name = [`${first} ${rest[0] ?? ''}`, first].find((words) => commands.has(words));
  const load = commands.get(name ?? '');
  if (name === undefined || load === undefined) return noSuchCommand(first, rest[0]);
  chosen = name;
  const own = rest.slice(name.split(' ').length - 1);
  if (asksForHelp(name, own)) {
    const { helpFor } = await import('./help.ts');
    print(await helpFor(name));
    return 0;
  }
  const command = await load();
  return command.run(own);
}

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h';

/** What follows `pip`, `uv` and `run` belongs to another program, which has a help of its own. */
function asksForHelp(name: string, own: readonly string[]): boolean {
  if (name === 'pip' || name === 'uv' || name === 'run') return isHelp(own[0]);
  const end = own.indexOf('--');
  return own.slice(0, end === -1 ? undefined : end).some(isHelp);
}

/** `key` alone is the beginning of several commands. @throws UsageError */
async function noSuchCommand(first: string, second: string | undefined): Promise<number> {
  const longer = [...commands.keys()].filter((name) => name.startsWith(`${first} `));
  if (longer.length > 0 && isHelp(second)) {
    const { helpFor } = await import('./help.ts');
    print(await helpFor(first));
    return 0;
  }
  if (longer.length === 0 || second !== undefined)
    throw new UsageError(`there is no command "${[first, second].join(' ').trim()}"; "holdfast help" lists them`);
  chosen = first;
  throw new UsageError(`"${first}" is the first word of ${longer.map((name) => `"${name}"`).join(', ')}`);
}

/** As shells count: 128 and the number of SIGINT for what somebody stopped. */
function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof StoppedError ? 130 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { explain } = await import('./explain.ts');
  const { sentence, remedy } = await explain(error, chosen);
  note(`${paintNote('red', 'holdfast:')} ${sentence}`);
  if (remedy !== undefined) note(`  ${remedy}`);
  if (process.env['HOLDFAST_DEBUG'] && error instanceof Error) note(error.stack);
  process.exitCode = exitCodeOf(error);
}

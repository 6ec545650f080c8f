import { UsageError } from './command.ts';
import { commands } from './commands/all.ts';
import { note, paintNote, print } from './terminal.ts';

/** Selects the command, runs it, and turns what it throws into a sentence and a remedy. */
async function main(args: readonly string[]): Promise<number> {
  const [first = 'help', ...rest] = args;
  if (first === '--version' || first === 'version') {
    print((await import('./version.ts')).version);
    return 0;
  }
  if (first === 'help' || first === '--help' || first === '-h') {
    const { help, helpFor } = await import('./help.ts');
    print(rest.length > 0 ? await helpFor(rest.join(' ')) : await help());
    return 0;
  }
  const name = [`${first} ${rest[0] ?? ''}`, first].find((words) => commands.has(words));
  const load = commands.get(name ?? '');
  if (name === undefined || load === undefined) {
    throw new UsageError(`there is no command "${args.slice(0, 2).join(' ')}"; "holdfast help" lists them`);
  }
  const own = rest.slice(name.split(' ').length - 1);
  if (own[0] === '--help' || own[0] === '-h') {
    const { helpFor } = await import('./help.ts');
    print(await helpFor(name));
    return 0;
  }
  const command = await load();
  return command.run(own);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { explain } = await import('./explain.ts');
  const { sentence, remedy } = await explain(error);
  note(`${paintNote('red', 'holdfast:')} ${sentence}`);
  if (remedy !== undefined) note(`  ${remedy}`);
  if (process.env['HOLDFAST_DEBUG'] && error instanceof Error) note(error.stack);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

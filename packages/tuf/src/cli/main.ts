import { TufError } from '../errors.ts';
import { parseArguments, USAGE, UsageError } from './arguments.ts';
import { run } from './commands.ts';

/** The public client test protocol: exit status 0 when all was done, 1 when any part failed. */
async function main(): Promise<number> {
  try {
    await run(parseArguments(process.argv.slice(2)));
    return 0;
  } catch (error) {
    process.stderr.write(`tuf-client: ${sentence(error)}\n`);
    return 1;
  }
}

function sentence(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${USAGE}`;
  if (error instanceof TufError) return `${error.message} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}

process.exitCode = await main();

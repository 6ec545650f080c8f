/** A program for tests: `run-tool.ts HOME DIRECTORY OPTIONS(JSON) COMMAND…` calls runThroughProxy and exits with its code. */
import { explain } from '../src/messages.ts';
import { type RunOptions, runThroughProxy } from '../src/run/run-through-proxy.ts';

const [home = '', directory = '', options = '{}', ...command] = process.argv.slice(2);
try {
  process.exitCode = await runThroughProxy({
    home,
    directory,
    command,
    ...(JSON.parse(options) as Partial<RunOptions>),
  });
} catch (error) {
  const { sentence, remedy } = explain(error);
  process.stderr.write(`${sentence} ${remedy}\n`);
  process.exitCode = 2;
}

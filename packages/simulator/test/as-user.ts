/**
 * A user's command, for tests: `as-user.ts HOME DIRECTORY MILLISECONDS COMMAND…` runs COMMAND through the real proxy, with a
 * clock that is so much ahead. What Holdfast says goes to file descriptor 3, what the tool says to the others.
 */
import { writeSync } from 'node:fs';
import { explain, runThroughProxy } from '@holdfast/installer';

const [home = '', directory = '', ahead = '0', ...command] = process.argv.slice(2);
const write = (text: string): void => void writeSync(3, text);
try {
  const clock = (): Date => new Date(Date.now() + Number(ahead));
  process.exitCode = await runThroughProxy({ home, directory, command, clock, write });
} catch (error) {
  const { sentence, remedy } = explain(error);
  write(`${sentence}\n  ${remedy}\n`);
  process.exitCode = 2;
}

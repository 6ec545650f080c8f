import { argv } from 'node:process';
import { parseArgs } from 'node:util';

/** `--files N` of a benchmark: the size of its population. Small unless told otherwise. */
export function filesArgument(otherwise = 10_000): number {
  const { values } = parseArgs({ args: argv.slice(2), options: { files: { type: 'string' } }, strict: false });
  const files = values['files'] === undefined ? otherwise : Number(values['files']);
  if (!Number.isSafeInteger(files) || files < 1) throw new RangeError('--files must be a number of files');
  return files;
}

import { argv } from 'node:process';
import { parseArgs } from 'node:util';

/** `--<name> N` of a benchmark. */
export function numberArgument(name: string, otherwise: number): number {
  const { values } = parseArgs({ args: argv.slice(2), options: { [name]: { type: 'string' } }, strict: false });
  const number = values[name] === undefined ? otherwise : Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`--${name} must be a number`);
  return number;
}

/** `--files N`: the size of a benchmark's population. Small unless told otherwise. */
export function filesArgument(otherwise = 10_000): number {
  return numberArgument('files', otherwise);
}

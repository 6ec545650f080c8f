import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { UsageError } from './command.ts';

/** Parsed options: a value is a string, a boolean, or a list, as the option was declared. */
export type Options = ReadonlyMap<string, string | boolean | readonly (string | boolean)[]>;

/**
 * Reads the arguments of a command: its options and exactly the positionals named (a last name with `…` takes the rest, one in
 * brackets may be missing).
 * @throws UsageError that names what is missing or unknown
 */
export function readArguments(
  args: readonly string[],
  declared: ParseArgsOptionsConfig,
  names: readonly string[],
): { options: Options; positionals: string[] } {
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: declared, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new UsageError(firstSentence(cause instanceof Error ? cause.message : String(cause)), { cause });
  }
  const open = names.at(-1)?.endsWith('…') === true;
  const missing = names[parsed.positionals.length];
  if (missing !== undefined && !missing.startsWith('[')) throw new UsageError(`${missing.replace('…', '')} is missing`);
  const extra = parsed.positionals[names.length];
  if (!open && extra !== undefined) throw new UsageError(`"${extra}" is one argument too many`);
  return { options: new Map(Object.entries(parsed.values)) as Options, positionals: parsed.positionals };
}

/** Node adds what may have been meant, in sentences of programmers. */
const firstSentence = (message: string): string => message.split(/\.\s|\n/, 1).join();

/** A text option, or `undefined`. */
export function text(options: Options, name: string): string | undefined {
  const value = options.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** A repeated text option. */
export function texts(options: Options, name: string): string[] {
  const value = options.get(name);
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
}

/**
 * A whole number from `least` to `most`, or the default.
 * @throws UsageError
 */
export function integer(
  options: Options,
  name: string,
  bounds: { least: number; most: number; otherwise: number },
): number {
  const given = text(options, name);
  if (given === undefined) return bounds.otherwise;
  const value = Number(given);
  if (!/^\d{1,15}$/.test(given) || value < bounds.least || value > bounds.most) {
    throw new UsageError(`--${name} takes a whole number from ${bounds.least} to ${bounds.most}, not "${given}"`);
  }
  return value;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * A length of time such as `30s`, `12h` or `365d`, in seconds.
 * @throws UsageError
 */
export function duration(options: Options, name: string, otherwise: number): number {
  const given = text(options, name);
  if (given === undefined) return otherwise;
  const [, amount = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(given) ?? [];
  const seconds = Number(amount) * (units[unit] ?? 0);
  if (seconds <= 0) throw new UsageError(`--${name} takes a time such as 30s, 12h or 365d, not "${given}"`);
  return seconds;
}

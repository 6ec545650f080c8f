import { BuildFarmError } from '../errors.ts';

const MINUTE_MS = 60_000;
/** Of builds that fail by themselves: the sdist stays the same, so few tries are enough. */
const AGAIN_MS = [10 * MINUTE_MS, 60 * MINUTE_MS];
const LONGEST_MS = 60 * MINUTE_MS;

/** Codes of what an sdist does wrong, as opposed to the farm's own troubles. */
const OF_THE_SDIST: ReadonlySet<string> = new Set(['BUILD_FAILED', 'BUILD_LIMIT', 'BUILD_REQUIREMENTS', 'WRONG_WHEEL']);

/** When a build that failed for the nth time is tried again; `undefined`: not any more. */
export function nextTry(error: unknown, attempts: number, now: Date): Date | undefined {
  if (!isOfTheSdist(error)) return backOff(attempts, now);
  const wait = AGAIN_MS[attempts - 1];
  return wait === undefined ? undefined : new Date(now.getTime() + wait);
}

export const isOfTheSdist = (error: unknown): boolean =>
  error instanceof BuildFarmError && OF_THE_SDIST.has(error.code);

/** One minute, two, four, … up to an hour: for what may heal by itself, such as a network. */
export function backOff(failures: number, now: Date): Date {
  return new Date(now.getTime() + Math.min(MINUTE_MS * 2 ** Math.max(0, failures - 1), LONGEST_MS));
}

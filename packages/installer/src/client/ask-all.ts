import { setTimeout as wait } from 'node:timers/promises';
import type { Mirror } from '../fetch/mirror.ts';

/** How long the slower mirrors may take once one has answered. */
const STRAGGLER_MS = 1_000;

/**
 * Asks mirrors the same at the same time, and returns the answers of those that are quick enough.
 * @param onFailure told who failed; not who was merely slower than the others
 */
export async function askAll<T>(
  mirrors: readonly Mirror[],
  ask: (mirror: Mirror, signal: AbortSignal) => Promise<T>,
  onFailure: (mirror: Mirror, error: unknown) => void = () => {},
): Promise<ReadonlyMap<Mirror, T>> {
  const answers = new Map<Mirror, T>();
  const stop = new AbortController();
  const asked = mirrors.map(async (mirror) => {
    try {
      answers.set(mirror, await ask(mirror, stop.signal));
    } catch (error) {
      if (!stop.signal.aborted) onFailure(mirror, error);
      throw error;
    }
  });
  await Promise.any(asked).catch(() => {});
  await Promise.race([Promise.allSettled(asked), wait(STRAGGLER_MS, undefined, { signal: stop.signal })]);
  stop.abort();
  await Promise.allSettled(asked);
  return answers;
}

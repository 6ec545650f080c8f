/** Runs a task for each item, so many at a time; the results are in the order of the items. The first failure ends it. */
export async function inTurns<T, R>(
  items: readonly T[],
  parallel: number,
  task: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  let next = 0;
  let failed = false;
  const run = async (): Promise<void> => {
    for (let at = next++; at < items.length && !failed; at = next++) {
      try {
        results.set(at, await task(items[at] as T));
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, run));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

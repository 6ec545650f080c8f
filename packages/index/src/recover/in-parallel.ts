/** Objects that are asked for at the same time. */
const PARALLEL = 8;

/** Works on everything in a list, some at a time, as it comes. */
export async function inParallel<T>(
  list: Iterable<T> | AsyncIterable<T>,
  work: (each: T) => Promise<unknown>,
): Promise<void> {
  const underWay = new Set<Promise<unknown>>();
  try {
    for await (const each of list) {
      const working = work(each).finally(() => underWay.delete(working));
      working.catch(() => {}); // Seen below.
      underWay.add(working);
      if (underWay.size >= PARALLEL) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
}
